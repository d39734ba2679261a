"""Computes the layout of a version's chart; a template renders it as SVG."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from predictor.formats import Quantity
from predictor.languages import gettext as _
from predictor.record.drawing import measure_text
from predictor.record.profile import Profile
from predictor.schema.kinds import Feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.schema.values import Label

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 16, 36
MOST_TICKS = 8
# On a phone, where the style sheet makes text largest.
TEXT_SIZE = 22
TICK_GAP = 16
# Between the numbers of the vertical axis and the axis itself.
TICK_MARGIN = 8

# The marker of each class, so that classes do not differ by colour alone: a disc, a triangle, a square, a diamond, a
# triangle pointing down, a cross.
MARKS = (
    "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "M0-4L3.5 2.5H-3.5Z",
    "M-2.7-2.7H2.7V2.7H-2.7Z",
    "M0-4L3.2 0L0 4L-3.2 0Z",
    "M0 4L3.5-2.5H-3.5Z",
    "M-3.5-1H-1V-3.5H1V-1H3.5V1H1V3.5H-1V1H-3.5Z",
)

Point = tuple[float, float]


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """One axis: a value's position in pixels is `start + (value - low) / (high - low) * length`."""

    label: str
    low: float
    high: float
    start: float
    length: float
    most_ticks: int = MOST_TICKS
    unit: str = ""
    # Of the numbers at the axis, compared with the values that are placed.
    scale: float = 1.0

    def place(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * self.length, 1)

    def contains(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Positions and texts of the ticks, at multiples of 1, 2 or 5 times a power of ten."""
        low, high = self.low * self.scale, self.high * self.scale
        step = _round_step((high - low) / self.most_ticks)
        first, last = math.ceil(low / step), math.floor(high / step)
        quantity = Quantity(unit=self.unit)
        return [(self.place(i * step / self.scale), quantity.write_alone(i * step)) for i in range(first, last + 1)]

    @property
    def widest(self) -> float:
        """The width in pixels of the widest tick text, 0 without any."""
        return max((measure_text(text, TEXT_SIZE) for _place, text in self.ticks), default=0.0)


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """The layout of a chart of 640 × 400 pixels.

    `points` are x, y and the number of the class; `keys` are a class's label, its number and the path of its marker.
    `own_range` are the ends of the interval of the visitor's own point, on the vertical axis.
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
    top, bottom = TOP, HEIGHT - BOTTOM
    tick_margin = TICK_MARGIN

    @property
    def left(self) -> float:
        return self.x.start

    @property
    def right(self) -> float:
        return self.x.start + self.x.length

    def mark(self, own: Point, ends: Sequence[float], written: str) -> "Chart":
        """The same chart with a visitor's own point, named `written` in the title, and its interval from `ends`."""
        x, y = own
        return msgspec.structs.replace(
            self,
            title=_("{chart}, your point at {place}").format(chart=self.title, place=written),
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
    base: Chart | None = None,
) -> Chart | None:
    """Lay out a version's training points, its fitted curve, and a visitor's own point with its interval.

    None where the version has nothing to draw, more classes than there are markers, or values too far apart for any
    chart. The own point is left out where one of its inputs is missing; `written` is `output` as pages write it. `base`
    is the version's chart without an own point, to be reused where the own point is within its axes.
    """
    base = base or draw_base_chart(schema, profile)
    own = _find_own(schema, profile, inputs, output) if base else None
    if base is None or own is None:
        return base
    ends = [float(end) for end in interval or ()]
    places = [own, *((own[0], end) for end in ends)]
    is_inside = all(base.x.contains(x) and base.y.contains(y) for x, y in places)
    chart = base if is_inside else draw_base_chart(schema, profile, places)
    return chart and chart.mark(own, ends, _write_own(schema, profile, own, written))


def draw_base_chart(schema: Schema, profile: Profile, places: Sequence[Point] = ()) -> Chart | None:
    """Lay out a version's chart without an own point, on axes that include `places`; None as for `draw_chart`."""
    points = profile.points
    if not profile.axes or not (points or profile.curve) or len(schema.target.classes) > len(MARKS):
        return None
    x_name, y_name = profile.axes
    all_places = [*(tuple(point[:2]) for point in points + profile.curve), *places]
    x_ends, y_ends = (find_ends([place[i] for place in all_places]) for i in (0, 1))
    if not all(math.isfinite(high - low) for low, high in (x_ends, y_ends)):
        return None
    y = _make_vertical_axis(_find_described(schema, y_name), *y_ends)
    left = max(LEFT, math.ceil(y.widest + TICK_MARGIN))
    x = _make_horizontal_axis(_find_described(schema, x_name), *x_ends, left=left)
    codes: dict[Label | None, int] = {label: code for code, label in enumerate(schema.target.classes)}
    labels = [schema.target.name_class(label) for label in schema.target.classes] or [_("training points")]
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


def find_ends(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def _make_vertical_axis(described: Feature | Target, low: float, high: float) -> Axis:
    return Axis(
        label=_label(described),
        unit=_find_unit(described),
        scale=described.output.scale if isinstance(described, Target) else 1.0,
        low=low,
        high=high,
        start=HEIGHT - BOTTOM,
        length=-(HEIGHT - TOP - BOTTOM),
    )


def _make_horizontal_axis(described: Feature | Target, low: float, high: float, *, left: float) -> Axis:
    """An axis with as many ticks as there is room for, with half of a tick's text beyond each of its ends."""
    label, unit = _label(described), _find_unit(described)
    axis = Axis(label=label, unit=unit, low=low, high=high, start=left, length=WIDTH - left - RIGHT)
    for most in range(MOST_TICKS, 0, -1):
        axis = msgspec.structs.replace(axis, most_ticks=most)
        start = max(left, axis.widest / 2)
        axis = msgspec.structs.replace(axis, start=start, length=WIDTH - start - max(RIGHT, axis.widest / 2))
        places = [place for place, _text in axis.ticks]
        if all(after - before >= axis.widest + TICK_GAP for before, after in pairwise(places)):
            break
    return axis


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)


def _find_described(schema: Schema, name: str) -> Feature | Target:
    return schema.by_name.get(name, schema.target)


def _label(described: Feature | Target) -> str:
    unit = _find_unit(described)
    return f"{described.label} ({unit})" if unit else described.label


def _find_unit(described: Feature | Target) -> str:
    return described.shown_unit if isinstance(described, Target) else described.unit


def _describe(x: Axis, y: Axis, profile: Profile) -> str:
    shown = {_("training points"): profile.points, _("fitted curve"): profile.curve}
    drawn = ", ".join(name for name, places in shown.items() if places)
    return _("{y} against {x}: {drawn}").format(y=y.label, x=x.label, drawn=drawn)
