"""An explanation in words and bars: a few reasons, all figures, and what they add up to."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from predictor.formats import Quantity, Written, find_decimals, format_number, format_share
from predictor.languages import gettext as _
from predictor.models import Prediction
from predictor.schema.kinds import Feature
from predictor.schema.target import Target
from predictor.serving.explaining.curve import has_curve
from predictor.serving.explaining.explainer import Explanation
from predictor.web.plots import Figures

Format = Callable[[float], Written]

FEWEST, MOST = 3, 5
# Of the largest: smaller ones are reasons only where there are fewer than three.
SMALLEST_SHARE, SMALLEST_WRITTEN = 0.1, 0.005
# Of the largest effect; the table has more.
DIGITS, DIGITS_OF_FIGURES = 2, 4
# Texts are named, and not repeated.
LONGEST_VALUE = 60


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """An input that pushed the answer, with its value. `percent` is its size, compared with the largest one's."""

    name: str
    label: str
    value: Written
    is_up: bool
    effect: str
    percent: float
    has_curve: bool


def describe_reasons(prediction: Prediction, explanation: Explanation) -> dict[str, Any]:
    """What a page shows of an explanation."""
    target, values = prediction.version.parsed_schema.target, explanation.contributions
    write = choose_format(target, explanation, DIGITS)
    ordered = sorted(prediction.version.parsed_schema.features, key=lambda feature: -abs(values[feature.name]))
    reasons = list_reasons(prediction, ordered, values, write)
    others = [values[feature.name] for feature in ordered[len(reasons) :]]
    return {
        "reasons": reasons,
        "summary": summarise(prediction, target, explanation),
        "others": len(others) if any(others) else 0,
        "others_effect": _write_effect(sum(others), write),
        "uncertainty": describe_errors(explanation, write),
        "reason_figures": tabulate(prediction, ordered, explanation),
    }


def list_reasons(
    prediction: Prediction, ordered: Sequence[Feature], values: Mapping[str, float], write: Format
) -> list[Reason]:
    """The largest effects: three, unless they are written as 0, and two more that are not much smaller."""
    largest = max(map(abs, values.values()), default=0.0)
    return [
        Reason(
            name=feature.name,
            label=feature.label,
            value=_write_value(prediction, feature),
            is_up=values[feature.name] > 0,
            effect=_write_effect(values[feature.name], write),
            percent=round(abs(values[feature.name]) / largest * 50, 1),
            has_curve=has_curve(feature),
        )
        for rank, feature in enumerate(ordered[:MOST])
        if abs(values[feature.name]) > (SMALLEST_WRITTEN if rank < FEWEST else SMALLEST_SHARE) * largest
    ]


def tabulate(prediction: Prediction, ordered: Sequence[Feature], explanation: Explanation) -> Figures:
    """The effects of all inputs, with more digits."""
    write = choose_format(prediction.version.parsed_schema.target, explanation, DIGITS_OF_FIGURES)
    errors = explanation.errors
    return Figures(
        head=(_("Input"), _("Value"), _("Effect"), *([_("Standard error")] if errors else [])),
        rows=tuple(
            (
                feature.label,
                str(_write_value(prediction, feature)),
                _write_effect(explanation.contributions[feature.name], write),
                *([str(write(errors[feature.name]))] if errors else []),
            )
            for feature in ordered
        ),
    )


def choose_format(target: Target, explanation: Explanation, digits: int) -> Format:
    """How sizes are written: with so many digits of the largest one, in the unit that people see."""
    largest = max(map(abs, explanation.contributions.values()), default=0.0)
    units = {"prediction": target.shown_unit, "probability": _("percentage points"), "log-odds": _("log-odds")}
    unit = units[explanation.scale]

    def scale(size: float) -> float:
        if explanation.scale == "prediction":
            return target.to_shown(size)
        return size * 100 if explanation.scale == "probability" else size

    quantity = Quantity(unit=unit, decimals=find_decimals(abs(scale(largest)), digits))
    return lambda size: quantity.write(abs(scale(size)))


def summarise(prediction: Prediction, target: Target, explanation: Explanation) -> str:
    """What the effects add up to, and in which unit."""
    rows = format_number(explanation.rows)
    if explanation.scale == "prediction":
        base, answer = (
            str(target.write(each, decimals=prediction.decimals)) for each in (explanation.base, explanation.value)
        )
        return _(
            "The answers to {rows} typical cases are {base} on average; this one is {answer}. The effects of all inputs"
            " add up to the difference."
        ).format(rows=rows, base=base, answer=answer)
    label = target.name_class(prediction.output)
    if explanation.scale == "probability":
        return _(
            "“{label}” has a probability of {base} on average over {rows} typical cases, and of {answer} here. The"
            " effects of all inputs add up to the difference."
        ).format(label=label, rows=rows, base=format_share(explanation.base), answer=format_share(explanation.value))
    sentence = (
        _(
            "The effects are in log-odds of “{label}”: its probability divided by that of the other class, as a natural"
            " logarithm. These are {base} on average over {rows} typical cases, and {answer} here. The effects of all"
            " inputs add up to the difference; 0.7 more doubles the odds."
        )
        if len(target.classes) == 2
        else _(
            "The effects are in log-odds of “{label}”: its probability divided by that of each other class, as a"
            " natural logarithm, on average over these classes. These are {base} on average over {rows} typical cases,"
            " and {answer} here. The effects of all inputs add up to the difference; 0.7 more doubles the odds."
        )
    )
    base, answer = (format_number(each, decimals=DIGITS) for each in (explanation.base, explanation.value))
    return sentence.format(label=label, rows=rows, base=base, answer=answer)


def describe_errors(explanation: Explanation, write: Format) -> str:
    """How exact the effects are; empty where they are exact."""
    if explanation.errors is None:
        return ""
    largest = max(explanation.errors.values(), default=0.0)
    sentence = _("They are estimates from random orders of the inputs, with standard errors of at most {error}.")
    return sentence.format(error=str(write(largest)))


def _write_effect(value: float, write: Format) -> str:
    if not value:
        return _("no effect")
    return (_("{size} more") if value > 0 else _("{size} less")).format(size=write(value))


def _write_value(prediction: Prediction, feature: Feature) -> Written:
    written = feature.write(prediction.inputs.get(feature.name))
    if len(written.text) <= LONGEST_VALUE:
        return written
    return msgspec.structs.replace(written, text=f"{written.text[:LONGEST_VALUE].rstrip()} …")
