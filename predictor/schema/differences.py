"""Finds how the inputs and the target of two versions differ."""

from collections.abc import Iterator

import msgspec

from predictor.formats import format_value
from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.schema.kinds import Category, Feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target

MOST_CHOICES = 8


# What may differ, for the pages that show it in their language.
WORDS = (
    _("label"),
    _("kind"),
    _("unit"),
    _("may be missing"),
    _("seen in training"),
    _("minimum"),
    _("maximum"),
    _("choices only there"),
    _("added"),
    _("removed"),
    _("what is predicted"),
    _("task"),
    _("classes"),
)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in which an input or the target differs. `old` and `new` are texts; empty where it has none."""

    label: str
    what: str
    old: str = ""
    new: str = ""


def find_differences(old: Schema, new: Schema) -> list[Difference]:
    """All differences between two schemas: of the target, of inputs in the newer schema's order, and removed inputs.

    Inputs are the same where their names are.
    """
    before, after = old.by_name, new.by_name
    differences = list(_compare(new.target.label, _describe_target(old.target), _describe_target(new.target)))
    for name, feature in after.items():
        if name in before:
            differences += _compare(feature.label, _describe(before[name]), _describe(feature))
            differences += _compare_choices(before[name], feature)
        else:
            differences.append(Difference(label=feature.label, what="added", new=feature.kind))
    removed = (feature for name, feature in before.items() if name not in after)
    return [*differences, *(Difference(label=each.label, what="removed", old=each.kind) for each in removed)]


def _compare(label: str, old: dict[str, str], new: dict[str, str]) -> Iterator[Difference]:
    for what, text in new.items():
        if old[what] != text:
            yield Difference(label=label, what=what, old=old[what], new=text)


def _describe(feature: Feature) -> dict[str, str]:
    return {
        "label": feature.label,
        "kind": feature.kind,
        "unit": feature.unit,
        "may be missing": format_value(not feature.required),
        "seen in training": str(feature.seen_range or ""),
        "minimum": _write_limit(feature, feature.minimum),
        "maximum": _write_limit(feature, feature.maximum),
    }


def _write_limit(feature: Feature, limit: float | None) -> str:
    if limit is None:
        return ""
    decode = getattr(feature, "decode", None)
    return str(feature.write(decode(limit) if decode else limit))


def _compare_choices(old: Feature, new: Feature) -> Iterator[Difference]:
    before, after = (each.choices if isinstance(each, Category) else () for each in (old, new))
    gone, come = ([each for each in these if each not in those] for these, those in ((before, after), (after, before)))
    if gone or come:
        yield Difference(
            label=new.label, what="choices only there", old=_list_choices(gone, old), new=_list_choices(come, new)
        )


def _list_choices(choices: list[str], feature: Feature) -> str:
    words = [feature.words.write(each) for each in choices] if isinstance(feature, Category) else choices
    more = [gettext("and {number} more").format(number=len(words) - MOST_CHOICES)] if len(words) > MOST_CHOICES else []
    return ", ".join([*words[:MOST_CHOICES], *more])


def _describe_target(target: Target) -> dict[str, str]:
    return {
        "what is predicted": target.label,
        "task": target.task,
        "unit": target.shown_unit,
        "classes": ", ".join(target.listed),
    }
