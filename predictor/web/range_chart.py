"""Computes the layout of the chart of one number: the answer and its interval, on the distribution of the target.

Places are percentages of the chart's width, so that its texts keep their size on every screen.
"""

import math
from itertools import pairwise

import msgspec

from predictor.formats import Quantity, Written, find_decimals, format_number
from predictor.record.drawing import measure_text
from predictor.record.interval import MeasuredInterval
from predictor.record.profile import Distribution
from predictor.schema.target import Target
from predictor.web.charts import Axis

# The height in pixels of the highest bar.
BAR_HEIGHT = 56
MOST_TICKS = 6
# On the narrowest screen: the chart's width and the size of its texts, in pixels.
NARROWEST, TEXT_SIZE, TICK_GAP = 280, 13, 6
# Of the width, on both sides.
MARGIN = 0.02
# In percent, so that an interval is never invisible.
NARROWEST_BAND = 0.6


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bin: its place and width in percent, and its top and height in pixels."""

    x: float
    width: float
    y: float
    height: float


class Backdrop(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the chart that is the same for all answers of a version, unless they are beyond its axis."""

    axis: Axis
    bars: list[Bar]
    ticks: list[tuple[float, str]]


def draw_backdrop(
    target: Target, distribution: Distribution | None, places: "tuple[float, ...]" = ()
) -> Backdrop | None:
    """Lay out the distribution on an axis that includes `places`; None where there is nothing to draw."""
    ends = [*places, *((distribution.low, distribution.high) if distribution else ())]
    low, high = min(ends, default=0.0), max(ends, default=0.0)
    margin = (high - low) * MARGIN
    if not (low < high and math.isfinite(high - low + 2 * margin)):
        return None
    axis = Axis(
        label=target.label,
        unit=target.shown_unit,
        scale=target.output.scale,
        low=low - margin,
        high=high + margin,
        start=0,
        length=100,
    )
    return Backdrop(axis=axis, bars=_draw_bars(axis, distribution), ticks=_choose_ticks(axis))


def find_room(distribution: Distribution | None, interval: MeasuredInterval | None) -> tuple[float, ...]:
    """The ends of the intervals around the distribution's ends, so that few answers need a wider axis."""
    if distribution is None or interval is None:
        return ()
    around = (interval.place_around(end) or () for end in (distribution.low, distribution.high))
    return tuple(end for ends in around for end in ends)


def place_interval(axis: Axis, interval: "tuple[float, float]") -> tuple[float, float]:
    """Where the interval begins and how wide it is, in percent; never so narrow that it cannot be seen."""
    begin, end = (axis.place(each) for each in interval)
    return begin, max(NARROWEST_BAND, round(end - begin, 1))


def write_bins(target: Target, distribution: Distribution) -> list[tuple[Written, str]]:
    """The chart's figures: each bin's range, with its number of rows."""
    edges = distribution.edges
    width = edges[1] - edges[0]
    is_whole = width == round(width) and edges[0] % 1 == 0.5
    decimals = find_decimals(target.to_shown(width), 2)
    written = []
    for (low, high), count in zip(pairwise(edges), distribution.counts, strict=True):
        if is_whole and width == 1:
            label = target.write(low + 0.5)
        elif is_whole:
            label = target.write_range(low + 0.5, high - 0.5)
        else:
            label = target.write_range(low, high, decimals=decimals)
        written.append((label, format_number(count)))
    return written


def _draw_bars(axis: Axis, distribution: Distribution | None) -> list[Bar]:
    if distribution is None:
        return []
    most = max(distribution.counts)
    bars = []
    for (low, high), count in zip(pairwise(distribution.edges), distribution.counts, strict=True):
        # A row is seen, however many there are elsewhere.
        height = max(1.0, round(count / most * BAR_HEIGHT, 1)) if count else 0
        x, end = axis.place(low), axis.place(high)
        if height:
            bars.append(Bar(x=x, width=round(end - x, 1), y=round(BAR_HEIGHT - height, 1), height=height))
    return bars


def _choose_ticks(axis: Axis) -> list[tuple[float, str]]:
    """As many ticks as there is room for on the narrowest screen; each is in the chart with its whole text."""
    fitting: list[list[tuple[float, str]]] = [[]]
    for most in range(MOST_TICKS, 0, -1):
        found = msgspec.structs.replace(axis, most_ticks=most).ticks
        ticks = [(place, _add_sign(text, axis.unit)) for place, text in found]
        inside = [(place, text) for place, text in ticks if _find_half(text) <= place <= 100 - _find_half(text)]
        # All of them, or every other one.
        fitting += [chosen for chosen in (inside, inside[::2], inside[1::2]) if _is_spaced(chosen)]
    return max(fitting, key=len)


def _find_half(text: str) -> float:
    """Half of a text's width, in percent."""
    return 50 * measure_text(text, TEXT_SIZE) / NARROWEST


def _is_spaced(ticks: list[tuple[float, str]]) -> bool:
    gaps = [after - _find_half(right) - before - _find_half(left) for (before, left), (after, right) in pairwise(ticks)]
    return all(gap >= 100 * TICK_GAP / NARROWEST for gap in gaps)


def _add_sign(text: str, unit: str) -> str:
    """A number of the axis with its unit where that is written without a space: $100, 5°."""
    before, _, after = Quantity(unit=unit).write(1).text.partition("1")
    sign = "-" if text.startswith("-") else ""
    return f"{sign}{before}{text.removeprefix('-')}{after}"
