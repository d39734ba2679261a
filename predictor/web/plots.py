"""The parts of our own charts: two axes, series of lines, dots and bars, and the same figures as a table."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from predictor.record.drawing import measure_text
from predictor.web.charts import MARKS, Axis, Point, find_ends

# In units of the drawing, which is as wide as a small phone: numbers stay readable there.
WIDTH, HEIGHT = 360, 270
TOP, BOTTOM = 10, 30
LEFT, RIGHT = 16, 12
TEXT_SIZE, TICK_GAP, TICK_MARGIN = 14, 12, 6
MOST_ACROSS, MOST_UP = 5, 5
# As many colours and markers are there.
DASHED_FROM = 6

Tick = tuple[float, str]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn in one colour and with one marker: a line, bars from low to high, and marks at places."""

    code: int
    label: str = ""
    line: str = ""
    bars: tuple[tuple[float, float, float], ...] = ()
    marks: tuple[Point, ...] = ()
    # Small dots without a marker of their own, as one path.
    dots: str = ""
    is_dashed: bool = False

    @property
    def marker(self) -> str:
        return MARKS[self.code % len(MARKS)]

    @property
    def colour(self) -> int:
        return self.code % len(MARKS)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a chart, as a table: the first cell of each row is its name."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """A chart of 360 × 270 pixels. `name` is unique on its page; `reference` is a line to compare with."""

    name: str
    title: str
    caption: str
    x_label: str
    y_label: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    series: tuple[Series, ...]
    figures: Figures
    left: float
    reference: tuple[float, float, float, float] | None = None
    reference_label: str = ""
    are_keys_shown: bool = False

    width, height = WIDTH, HEIGHT
    top, bottom, right = TOP, HEIGHT - BOTTOM, WIDTH - RIGHT
    tick_margin = TICK_MARGIN


def is_drawable(values: Sequence[float]) -> bool:
    """Whether there are values, all finite and not too far apart for an axis."""
    return bool(values) and math.isfinite(max(values) - min(values)) and all(map(math.isfinite, values))


def make_axis_up(values: Iterable[float], *, label: str = "", unit: str = "", scale: float = 1.0) -> Axis:
    low, high = find_ends(list(values))
    start, length = HEIGHT - BOTTOM, -(HEIGHT - TOP - BOTTOM)
    return Axis(label=label, unit=unit, scale=scale, low=low, high=high, start=start, length=length, most_ticks=MOST_UP)


def find_left(ticks: Sequence[Tick]) -> float:
    """Where the horizontal axis begins, so that the numbers of the vertical one have room."""
    return max([LEFT, *(measure_text(text, TEXT_SIZE) + TICK_MARGIN for _, text in ticks)])


def make_axis_across(
    values: Iterable[float], left: float, *, label: str = "", unit: str = "", scale: float = 1.0
) -> Axis:
    """The horizontal axis, which begins at `left`."""
    low, high = find_ends(list(values))
    length = WIDTH - RIGHT - left
    return Axis(
        label=label, unit=unit, scale=scale, low=low, high=high, start=left, length=length, most_ticks=MOST_ACROSS
    )


def choose_ticks(axis: Axis) -> list[Tick]:
    """As many ticks of a horizontal axis as there is room for: all round numbers, every second or every third one."""
    rounded = [msgspec.structs.replace(axis, most_ticks=most).ticks for most in range(MOST_ACROSS, 0, -1)]
    options = [ticks[first::step] for ticks in rounded for step in (1, 2, 3) for first in range(step)]
    fitting = [kept for ticks in options if has_room(kept := keep_inside(ticks))]
    return max(fitting, key=len, default=[])


def has_room(ticks: Sequence[Tick]) -> bool:
    widths = [measure_text(text, TEXT_SIZE) for _, text in ticks]
    ends = zip(pairwise(ticks), pairwise(widths), strict=True)
    return all(
        after - before >= (width + next_width) / 2 + TICK_GAP for ((before, _), (after, _)), (width, next_width) in ends
    )


def thin_ticks(ticks: Sequence[Tick]) -> list[Tick]:
    """Every, every second, every third … tick, so that their texts do not meet; the last one stays."""
    for step in range(1, len(ticks) + 1):
        kept = list(reversed(list(reversed(ticks))[::step]))
        if has_room(kept):
            return kept
    return list(ticks[-1:])


def keep_inside(ticks: Sequence[Tick]) -> list[Tick]:
    """Without the ticks whose texts would be cut off at an end of the drawing."""
    halves = [(place, text, measure_text(text, TEXT_SIZE) / 2) for place, text in ticks]
    return [(place, text) for place, text, half in halves if place - half >= 0 and place + half <= WIDTH]


def draw_line(places: Iterable[Point]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


def draw_dots(places: Iterable[Point]) -> str:
    """Dots as one path: lines without length, whose round ends are drawn."""
    return "".join(f"M{x} {y}h0" for x, y in places)
