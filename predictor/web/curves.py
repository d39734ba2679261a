"""The curve of an answer over the range of one input, or a table over its choices, with the visitor's own value."""

from typing import Any

import msgspec

from predictor.formats import MISSING, Quantity, Written, find_decimals, format_share
from predictor.languages import gettext as _
from predictor.models import Prediction
from predictor.schema.kinds import Boolean, Category, Feature, Integer, Number
from predictor.schema.target import Target
from predictor.schema.values import Value
from predictor.serving.explaining.curve import Curve
from predictor.web.charts import Axis
from predictor.web.plots import (
    Figures,
    Plot,
    Series,
    Tick,
    choose_ticks,
    draw_line,
    find_left,
    is_drawable,
    keep_inside,
    make_axis_across,
    make_axis_up,
    thin_ticks,
)

# Rows of the table of a curve's figures.
MOST_ROWS = 12
DIGITS = 3


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A choice with its answer; `percent` is the bar's length."""

    label: str
    answer: str
    percent: float
    is_own: bool


def describe_curve(prediction: Prediction, curve: Curve) -> dict[str, Any]:
    """What a page shows of a curve: a plot, or the choices."""
    target, feature = prediction.version.parsed_schema.target, curve.feature
    described = {"feature": feature, "name": feature.name, "own": feature.write(prediction.inputs.get(feature.name))}
    if isinstance(feature, Category | Boolean):
        return {**described, "choices": list_choices(curve, target)}
    plot = draw_curve(prediction, curve, target)
    return {**described, "plot": plot} if plot else {**described, "cannot": _("Too few values have an answer to draw.")}


def list_choices(curve: Curve, target: Target) -> list[Choice]:
    heights = [height for height in curve.heights if height is not None]
    low, high = min([0.0, *heights]), max([0.0, *heights])
    span = (high - low) or 1.0
    return [
        Choice(
            label=str(curve.feature.write(decode(curve.feature, place))),
            answer=write_height(target, height, curve),
            percent=0.0 if height is None else round((height - low) / span * 100, 1),
            is_own=position == curve.own,
        )
        for position, (place, height) in enumerate(zip(curve.places, curve.heights, strict=True))
    ]


def draw_curve(prediction: Prediction, curve: Curve, target: Target) -> Plot | None:
    """None where there is nothing to draw."""
    points = [(place, height) for place, height in zip(curve.places, curve.heights, strict=True) if height is not None]
    heights = [height for _place, height in points]
    if len(points) < 2 or not is_drawable(heights):
        return None
    is_regression = target.task == "regression"
    unit, scale = (target.shown_unit, target.output.scale) if is_regression else ("%", 100.0)
    up = make_axis_up(heights, unit=unit, scale=scale)
    left = find_left(up.ticks)
    places = [place for place, _height in points]
    across = make_axis_across(places, left)
    feature = curve.feature
    own = [] if curve.own is None or curve.heights[curve.own] is None else [curve.own]
    marks = tuple((across.place(curve.places[at]), up.place(curve.heights[at] or 0.0)) for at in own)
    label = target.label if is_regression else target.name_class(prediction.output)
    return Plot(
        name=f"curve-{prediction.version.parsed_schema.names.index(feature.name)}",
        title=_("{target} by {input}").format(target=label, input=feature.label),
        caption=_("All other inputs stay as they are. A trial, not kept."),
        x_label=f"{feature.label} ({feature.unit})" if feature.unit else feature.label,
        y_label=(f"{label} ({unit})" if unit else label)
        if is_regression
        else _("Probability of {label} (%)").format(label=label),
        x_ticks=choose_ticks(across) if isinstance(feature, Number | Integer) else mark_ends(across, feature),
        y_ticks=up.ticks,
        series=(
            Series(code=0, label=_("other values"), line=draw_line((across.place(x), up.place(y)) for x, y in points)),
            *([Series(code=1, label=_("your value"), marks=marks)] if marks else []),
        ),
        figures=Figures(
            head=(feature.label, label),
            rows=tuple(
                (write_place(feature, place), write_height(target, height, curve)) for place, height in thin(points)
            ),
        ),
        left=left,
        are_keys_shown=True,
    )


def mark_ends(across: Axis, feature: Feature) -> list[Tick]:
    """Ticks of dates and times: a few values in words."""
    values = [across.low + (across.high - across.low) * share for share in (0.15, 0.5, 0.85)]
    return thin_ticks(keep_inside([(across.place(each), write_place(feature, each)) for each in values]))


def decode(feature: Feature, place: float) -> Value:
    """The value that is encoded as a place."""
    match feature:
        case Category():
            return feature.choices[int(place)]
        case Boolean():
            return bool(place)
        case Integer():
            return int(place)
        case Number():
            return place
        case _:
            found: Value = feature.decode(place)  # type: ignore[union-attr]  # Texts have no curve.
            return found


def write_place(feature: Feature, place: float) -> str:
    if isinstance(feature, Number):
        spread = abs(float(feature.seen[-1]) - float(feature.seen[0])) if feature.seen else 0.0
        return str(Quantity(unit=feature.unit, decimals=find_decimals(spread, DIGITS)).write(place))
    return str(feature.write(decode(feature, place)))


def write_height(target: Target, height: float | None, curve: Curve) -> str:
    if height is None:
        return MISSING
    if target.task != "regression":
        return format_share(height)
    found = [each for each in curve.heights if each is not None]
    decimals = find_decimals(abs(target.to_shown(max(found) - min(found))), DIGITS)
    written: Written = target.write(height, decimals=decimals)
    return str(written)


def thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A few points, the first and the last among them."""
    step = max(1, -(-(len(points) - 1) // (MOST_ROWS - 1)))
    return [*points[:-1:step], points[-1]]
