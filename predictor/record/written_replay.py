"""Writes what a replay found for people."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from predictor.formats import MOST_DIGITS, Quantity, find_decimals, format_number, format_share
from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.moments import write_moment
from predictor.record.input_group import InputGroup
from predictor.record.replay import Replay
from predictor.schema.kinds import Category, Feature, Number
from predictor.schema.schema import Schema
from predictor.schema.target import Target

# How the shares of the quantiles are called.
SHARES = {0.0: _("smallest"), 0.5: _("half"), 1.0: _("largest")}


# Of the ends of a range: enough to say where it is, and not what a visitor typed.
RANGE_DIGITS = 3


class WrittenGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group's input and values, its rows, the share of answers that change, and by how much on average."""

    label: str
    shown_values: str
    rows: str
    changed: str
    mean_change: str
    mean_size: str


class WrittenReplay(msgspec.Struct, frozen=True, kw_only=True):
    """A replay with all numbers as text. What a task does not have is empty."""

    rows: str
    changed: str
    changed_share: str
    outside: str
    outside_share: str
    versions: str
    # When the first and the last of the predictions were made, in UTC.
    since: str
    until: str
    # The share below, and the change.
    quantiles: list[tuple[str, str]]
    # From, to, and how many.
    moves: list[tuple[str, str, str]]
    groups: list[WrittenGroup]
    # The input's label, what is wrong, and how many.
    refusals: list[tuple[str, str, str]]


def write_replay(found: Replay, schema: Schema) -> WrittenReplay:
    """Format a replay by a version with this schema."""
    target = schema.target
    quantity = _choose_quantity(found, target)

    def write_change(change: float | None) -> str:
        return "" if change is None else str(quantity.write(target.to_shown(change)))

    features = schema.by_name
    return WrittenReplay(
        rows=format_number(found.rows),
        changed=format_number(found.changed),
        changed_share=_write_share(found.changed, found.rows),
        outside=format_number(found.outside) if found.with_interval else "",
        outside_share=_write_share(found.outside, found.with_interval),
        versions=_write_versions(found.versions),
        since=_write_moment(found.since),
        until=_write_moment(found.until),
        quantiles=[
            (SHARES.get(share) or format_share(share, decimals=0), write_change(change))
            for share, change in found.quantiles
        ],
        moves=[(target.name_class(e.old), target.name_class(e.new), format_number(e.rows)) for e in found.moves],
        groups=[
            WrittenGroup(
                label=features[each.feature].label,
                shown_values=write_values(each, features[each.feature]),
                rows=format_number(each.rows),
                changed=_write_share(each.changed, each.rows),
                mean_change=write_change(each.mean_change),
                mean_size=write_change(each.mean_size),
            )
            for each in found.groups
        ],
        refusals=[
            (
                features[each.feature].label,
                schema.write_kind(each.feature, each.code) or each.problem,
                format_number(each.rows),
            )
            for each in found.refusals
        ],
    )


def write_values(group: InputGroup, feature: Feature) -> str:
    """The range or the category of a group."""
    if group.is_missing:
        return gettext("missing")
    if group.is_other:
        return gettext("any other")
    if group.value is not None:
        return feature.words.write(group.value) if isinstance(feature, Category) else _name_boolean(group.value)
    if group.low is None or group.high is None:
        end = _write_end(group.low if group.high is None else group.high, feature)
        return (gettext("from {end} on") if group.high is None else gettext("below {end}")).format(end=end)
    ends = {"low": _write_end(group.low, feature), "high": _write_end(group.high, feature)}
    return gettext("{low} to below {high}").format(**ends)


def _name_boolean(value: str) -> str:
    return gettext("yes") if value == "true" else gettext("no")


def _write_end(number: float | None, feature: Feature) -> str:
    if number is None:
        return ""
    decode = getattr(feature, "decode", None)
    if decode is not None:
        return str(feature.write(decode(number)))
    digits = RANGE_DIGITS if isinstance(feature, Number) else MOST_DIGITS
    return str(Quantity(unit=feature.unit, digits=digits).write(number))


def _choose_quantity(found: Replay, target: Target) -> Quantity:
    """With 3 significant digits of the largest change."""
    largest = max((abs(target.to_shown(change)) for _, change in found.quantiles), default=0.0)
    return Quantity(unit=target.shown_unit, decimals=find_decimals(largest, 3))


def _write_versions(versions: Mapping[str, int]) -> str:
    """Numbers with how many answers each, those of the newest version first."""
    ordered = sorted(versions.items(), key=lambda each: -int(each[0]))
    return ", ".join(f"{number} ({format_number(count)})" for number, count in ordered)


def _write_moment(moment: str) -> str:
    return write_moment(datetime.fromisoformat(moment), short=True)


def _write_share(part: int, whole: int) -> str:
    return format_share(part / whole) if whole else ""
