"""Works out where everything in a version's picture goes; a template draws it as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from predictor.formats import Quantity, format_label
from predictor.record.drawing import measure_text
from predictor.record.profile import Profile
from predictor.schema.features import Feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.schema.values import Label

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 84, 16, 16, 64
MOST_TICKS = 8
# On a phone, where the style sheet makes texts largest.
TEXT_SIZE = 22
TICK_GAP = 16
# What the upright axis needs left and right of its numbers: its label, and some air.
BESIDE_TICKS = 42

# The mark of each class around its point, so that no class is told by its colour alone: a disc, a triangle, a
# square, a diamond, a triangle upside down, a cross.
MARKS = (
    "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "M0-4L3.5 2.5H-3.5Z",
    "M-2.7-2.7H2.7V2.7H-2.7Z",
    "M0-4L3.2 0L0 4L-3.2 0Z",
    "M0 4L3.5-2.5H-3.5Z",
    "M-3.5-1H-1V-3.5H1V-1H3.5V1H1V3.5H-1V1H-3.5Z",
)

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One direction: a value's place in pixels is `start + (value - low) / (high - low) * length`."""

    label: str
    low: float
    high: float
    start: float
    length: float
    most_ticks: int = MOST_TICKS
    unit: str = ""

    def place(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * self.length, 1)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Places and texts at multiples of 1, 2 or 5 times a power of ten."""
        step = _round_step((self.high - self.low) / self.most_ticks)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        quantity = Quantity(unit=self.unit)
        return [(self.place(i * step), quantity.write_alone(i * step)) for i in range(first, last + 1)]

    @property
    def widest(self) -> float:
        """The width in pixels of its longest text, 0 without any."""
        return max((measure_text(text, TEXT_SIZE) for _, text in self.ticks), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Everything in pixels of a 640 × 400 picture.

    `points` carry the number of their class, and `keys` its label, its number and the path of its mark. `own_range` is
    how far the own point's interval reaches down and up.
    """

    title: str
    x: Axis
    y: Axis
    points: list[tuple[float, float, int]]
    curve: str
    keys: list[tuple[str, int, str]]
    own: Point | None = None
    own_range: Point | None = None

    width, height = WIDTH, HEIGHT
    top, bottom, center = TOP, HEIGHT - BOTTOM, (TOP + HEIGHT - BOTTOM) // 2

    @property
    def left(self) -> float:
        return self.x.start

    @property
    def right(self) -> float:
        return self.x.start + self.x.length

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2

    def mark(self, own: Point, ends: Sequence[float], written: str) -> "Chart":
        """The same picture with a visitor's own point, which is `written`, and its interval where it has `ends`."""
        x, y = own
        return replace(
            self,
            title=f"{self.title}, your point at {written}",
            own=(self.x.place(x), self.y.place(y)),
            own_range=(self.y.place(ends[0]), self.y.place(ends[1])) if ends else None,
        )


def draw_chart(
    schema: Schema,
    profile: Profile,
    inputs: Mapping[str, Any],
    output: Any,
    interval: Sequence[float] | None = None,
    *,
    written: str = "",
    resting: Chart | None = None,
) -> Chart | None:
    """Place a version's training points, its fitted curve, and one visitor's own point with its interval.

    None where the version has nothing to draw, more classes than there are marks, or values too far apart for any
    picture. The own point is left out where it has a missing input; `written` is `output` as pages write it. `resting`
    is the version's picture without one, where it is drawn already: an own point within its axes needs no new places.
    """
    resting = resting or draw_resting_chart(schema, profile)
    own = _find_own(schema, profile, inputs, output) if resting else None
    if resting is None or own is None:
        return resting
    ends = [float(end) for end in interval or ()]
    places = [own, *((own[0], end) for end in ends)]
    is_inside = all(resting.x.holds(x) and resting.y.holds(y) for x, y in places)
    chart = resting if is_inside else draw_resting_chart(schema, profile, places)
    return chart and chart.mark(own, ends, _write_own(schema, profile, own, written))


def draw_resting_chart(schema: Schema, profile: Profile, places: Sequence[Point] = ()) -> Chart | None:
    """A version's picture before anybody has asked, on axes that also hold `places`; None as for `draw_chart`."""
    points = profile.points
    if not profile.axes or not (points or profile.curve) or len(schema.target.classes) > len(MARKS):
        return None
    x_name, y_name = profile.axes
    all_spots = [*(tuple(point[:2]) for point in points + profile.curve), *places]
    x_ends, y_ends = (_find_ends([spot[i] for spot in all_spots]) for i in (0, 1))
    if not all(math.isfinite(high - low) for low, high in (x_ends, y_ends)):
        return None
    y = _make_upright_axis(_find_described(schema, y_name), *y_ends)
    x = _make_level_axis(_find_described(schema, x_name), *x_ends, left=max(LEFT, y.widest + BESIDE_TICKS))
    codes: dict[Label | None, int] = {label: code for code, label in enumerate(schema.target.classes)}
    labels = [format_label(label) for label in schema.target.classes] or ["training points"]
    return Chart(
        title=_describe(x, y, profile),
        x=x,
        y=y,
        points=[(x.place(px), y.place(py), codes.get(mark, 0)) for px, py, mark in points],
        curve=" ".join(f"{x.place(px)},{y.place(py)}" for px, py in profile.curve),
        keys=[(label, code, MARKS[code]) for code, label in enumerate(labels)] if points else [],
    )


def _find_own(schema: Schema, profile: Profile, inputs: Mapping[str, Any], output: Any) -> Point | None:
    x_name, y_name = profile.axes
    own_x, own_y = inputs.get(x_name), output if schema.target.task == "regression" else inputs.get(y_name)
    return None if own_x is None or own_y is None else (float(own_x), float(own_y))


def _write_own(schema: Schema, profile: Profile, own: Point, written: str) -> str:
    x, y = (_find_described(schema, name) for name in profile.axes)
    own_y = written if written and isinstance(y, Target) else str(y.write(own[1]))
    return f"{x.write(own[0])}, {own_y}"


def _find_ends(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def _make_upright_axis(described: Feature | Target, low: float, high: float) -> Axis:
    return Axis(
        label=_label(described),
        unit=described.unit,
        low=low,
        high=high,
        start=HEIGHT - BOTTOM,
        length=-(HEIGHT - TOP - BOTTOM),
    )


def _make_level_axis(described: Feature | Target, low: float, high: float, *, left: float) -> Axis:
    """With as many ticks as have room for their texts, and half of the last one's text right of it."""
    label, unit = _label(described), described.unit
    axis = Axis(label=label, unit=unit, low=low, high=high, start=left, length=WIDTH - left - RIGHT)
    for most in range(MOST_TICKS, 0, -1):
        axis = replace(axis, most_ticks=most)
        axis = replace(axis, length=WIDTH - left - max(RIGHT, axis.widest / 2))
        places = [place for place, _ in axis.ticks]
        if all(after - before >= axis.widest + TICK_GAP for before, after in pairwise(places)):
            break
    return axis


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)


def _find_described(schema: Schema, name: str) -> Feature | Target:
    return next((feature for feature in schema.features if feature.name == name), schema.target)


def _label(described: Feature | Target) -> str:
    return f"{described.label} ({described.unit})" if described.unit else described.label


def _describe(x: Axis, y: Axis, profile: Profile) -> str:
    shown = {"training points": profile.points, "the fitted curve": profile.curve}
    return f"{y.label} against {x.label}: {', '.join(name for name, places in shown.items() if places)}"
