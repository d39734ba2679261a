"""The figures of the chart of a version's training data, as a table of few rows."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, pstdev

from predictor.formats import Quantity, find_decimals, format_number
from predictor.languages import gettext as _
from predictor.record.profile import Profile
from predictor.schema.kinds import Feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.web.plots import Figures

Point = tuple[float, float]
# Of rows that follow each other, or of places on the curve.
MOST_ROWS = 8
# Of a mean or a prediction, compared with how far its column is spread.
DIGITS = 3


def tabulate_chart(schema: Schema, profile: Profile) -> Figures:
    """The figures of what `draw_base_chart` draws, which must not be None: means of groups of rows, never a row."""
    x, y = schema.by_name[profile.axes[0]], schema.by_name.get(profile.axes[1])
    if y is not None:
        return _tabulate_classes(schema.target, profile, x, y)
    if profile.points:
        return _tabulate_rows(schema.target, profile, x)
    return _tabulate_curve(schema.target, profile.curve, x)


def _tabulate_classes(target: Target, profile: Profile, x: Feature, y: Feature) -> Figures:
    spread = _("Mean ± standard deviation: {label}")
    found = ((label, [point for point in profile.points if point[2] == label]) for label in target.classes)
    return Figures(
        head=(_("Class"), _("Rows"), spread.format(label=x.label), spread.format(label=y.label)),
        rows=tuple(
            (
                target.name_class(label),
                format_number(len(points)),
                _write_spread(x, [px for px, _py, _mark in points]),
                _write_spread(y, [py for _px, py, _mark in points]),
            )
            for label, points in found
            if points
        ),
    )


def _write_spread(feature: Feature, values: Sequence[float]) -> str:
    return str(Quantity(unit=feature.unit).write_spread(fmean(values), pstdev(values)))


def _tabulate_rows(target: Target, profile: Profile, x: Feature) -> Figures:
    ordered = sorted((px, py) for px, py, _mark in profile.points)
    size = -(-len(ordered) // MOST_ROWS)
    groups = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    decimals = _find_decimals(target, ordered)
    head = [x.label, _("Rows"), _("Mean: {label}").format(label=target.label)]
    rows = []
    for group in groups:
        cells = [str(Quantity(unit=x.unit).write_range(group[0][0], group[-1][0])), format_number(len(group))]
        cells.append(str(target.write(fmean(py for _px, py in group), decimals=decimals)))
        if profile.curve:
            predicted = interpolate(profile.curve, fmean(px for px, _py in group))
            cells.append(str(target.write(predicted, decimals=decimals)))
        rows.append(tuple(cells))
    if profile.curve:
        head.append(_("Prediction: {target}").format(target=target.label))
    return Figures(head=tuple(head), rows=tuple(rows))


def _tabulate_curve(target: Target, curve: Sequence[Point], x: Feature) -> Figures:
    decimals = _find_decimals(target, curve)
    last = len(curve) - 1
    shown = [curve[round(i * last / (MOST_ROWS - 1))] for i in range(MOST_ROWS)] if last >= MOST_ROWS else curve
    return Figures(
        head=(x.label, _("Prediction: {target}").format(target=target.label)),
        rows=tuple((str(x.write(px)), str(target.write(py, decimals=decimals))) for px, py in shown),
    )


def _find_decimals(target: Target, points: Sequence[Point]) -> int | None:
    heights = [py for _px, py in points]
    return find_decimals(abs(target.to_shown(max(heights)) - target.to_shown(min(heights))), DIGITS)


def interpolate(curve: Sequence[Point], x: float) -> float:
    """The height of a curve, whose points are in order, at a place; at its nearest end for one beyond it."""
    for (low, before), (high, after) in pairwise(curve):
        if low <= x <= high and low < high:
            return before + (after - before) * (x - low) / (high - low)
    return curve[0][1] if x < curve[0][0] else curve[-1][1]
