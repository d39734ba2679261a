"""The form above the list of predictions: a control for each filter, which a plain address keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.utils.translation import gettext

from predictor.history.filters import find_test
from predictor.models import Prediction, Version
from predictor.schema.kinds import Feature

MOST_VERSIONS = 20


@dataclass(frozen=True, kw_only=True)
class Control:
    """A field of the form: a select where it has options, which are codes with their words.

    `id` is that of its element: the name of an input may have blanks.
    """

    id: str
    name: str
    label: str
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    problem: str = ""
    type: str = "text"
    is_numeric: bool = False


@dataclass(frozen=True, kw_only=True)
class Controls:
    """Those that are always shown, those behind “More”, and those about inputs, with what another can be about."""

    first: list[Control]
    more: list[Control]
    inputs: list[Control]
    features: list[Feature] = field(default_factory=list)

    @property
    def has_more(self) -> bool:
        """Whether one behind “More” is used, so that it is shown."""
        return any(each.value or each.problem for each in [*self.more, *self.inputs])


def make_control(
    given: Mapping[str, str],
    problems: Mapping[str, str],
    name: str,
    label: str,
    options: Sequence[tuple[str, str]] = (),
    id: str = "",
    **how: Any,
) -> Control:
    shown = [("", gettext("any")), *options] if options else ()
    value, problem = given.get(name, ""), problems.get(name, "")
    return Control(id=id or name, name=name, label=label, value=value, options=shown, problem=problem, **how)


def make_controls(
    given: Mapping[str, str],
    problems: Mapping[str, str],
    models: Sequence[str],
    live: Version | None,
    features: list[Feature],
) -> Controls:
    """The controls with what an address gives, right or wrong; those about numbers or classes as far as they fit."""

    make = partial(make_control, given, problems)
    with_or_without = [("yes", gettext("with")), ("no", gettext("without"))]
    first = [
        make("q", gettext("Search"), type="search"),
        make("model", gettext("Model"), [(each, each) for each in models]),
        *([make("version", gettext("Version"), list_versions(given))] if given.get("model") in models else []),
        make("source", gettext("Source"), [(each.value, str(each.label)) for each in Prediction.Source]),
        make("warned", gettext("Warnings"), with_or_without),
        make("outcome", gettext("Outcome"), with_or_without),
    ]
    about_classes = [make("right", gettext("Prediction"), [("yes", gettext("right")), ("no", gettext("wrong"))])]
    about_numbers = [
        make("error_above", gettext("Off by more than"), is_numeric=True),
        make("inside", gettext("90 % interval"), [("yes", gettext("inside")), ("no", gettext("outside"))]),
        make("output_from", gettext("Answer from"), is_numeric=True),
        make("output_to", gettext("Answer to"), is_numeric=True),
    ]
    task = live.target.task if live else ""
    more = [
        make("since", gettext("Made since")),
        make("until", gettext("Made until")),
        *(about_classes if task != "regression" else []),
        *(about_numbers if task != "classification" else []),
    ]
    labels = {each.name: each.label for each in features}
    names = [name for name, text in given.items() if find_test(name) and text]
    inputs = [make(name, describe_test(name, labels), id=f"input_{position}") for position, name in enumerate(names)]
    return Controls(first=first, more=more, inputs=inputs, features=features)


def list_versions(given: Mapping[str, str]) -> list[tuple[str, str]]:
    """The newest versions of the chosen model, of which there may be thousands, and the chosen one."""
    numbers = Version.objects.filter(model=given["model"]).order_by("-number").values_list("number", flat=True)
    found = [str(number) for number in numbers[:MOST_VERSIONS]]
    chosen = given.get("version", "")
    return [(number, number) for number in dict.fromkeys([*found, *([chosen] if chosen else [])])]


def list_tests() -> list[tuple[str, str]]:
    return [
        ("is", gettext("is")),
        ("from", gettext("is at least")),
        ("to", gettext("is at most")),
        ("words", gettext("has the words")),
    ]


def describe_test(parameter: str, labels: Mapping[str, str]) -> str:
    """What a parameter such as `from.area` asks for: “Area is at least”."""
    test, _point, feature = parameter.partition(".")
    return f"{labels.get(feature, feature)} {dict(list_tests())[test]}"
