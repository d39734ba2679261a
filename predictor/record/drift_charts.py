"""Small charts of how columns are distributed in training and in a window, next to each other."""

import math
from collections.abc import Callable
from itertools import pairwise

import msgspec

from predictor.formats import format_share
from predictor.languages import gettext
from predictor.record.drift import Bins, Drift, Shift
from predictor.record.input_group import InputGroup
from predictor.record.written_drift import name_column
from predictor.record.written_replay import write_values
from predictor.schema.kinds import Feature, Integer, Number
from predictor.schema.schema import Schema
from predictor.schema.temporal import Date

MOST_CHARTS = 12
# Of the highest bar, of each of the two bars of a bin, and of a bin, in pixels.
HEIGHT, BAR_WIDTH, BIN_WIDTH = 60, 10, 26


class ChartBin(msgspec.Struct, frozen=True, kw_only=True):
    """One bin: its name, and the shares of the training rows and of the window that are in it."""

    name: str
    training: float
    now: float

    @property
    def texts(self) -> tuple[str, str, str]:
        """Its row in the table of the chart's figures."""
        return self.name, format_share(self.training), format_share(self.now)


class DriftChart(msgspec.Struct, frozen=True, kw_only=True):
    """The bins of one column."""

    title: str
    bins: list[ChartBin]

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height in pixels."""
        return len(self.bins) * BIN_WIDTH, HEIGHT

    @property
    def bars(self) -> list[tuple[str, int, int, int, int]]:
        """The bars: "training" or "now", the left end, the top, the width and the height, in pixels."""
        highest = max(share for each in self.bins for share in (each.training, each.now))
        bars = []
        for number, each in enumerate(self.bins):
            for position, (name, share) in enumerate((("training", each.training), ("now", each.now))):
                height = round(share / highest * HEIGHT)
                left = number * BIN_WIDTH + 2 + position * BAR_WIDTH
                bars.append((name, left, HEIGHT - height, BAR_WIDTH, height))
        return bars

    @property
    def label(self) -> str:
        """What it shows, for those who do not see it."""
        return gettext("{column}: shares in training and now").format(column=self.title)

    @property
    def head(self) -> tuple[str, str, str]:
        """The head of the table of its figures."""
        return gettext("Values"), gettext("In training"), gettext("Now")


def list_charts(found: Drift, schema: Schema) -> list[DriftChart]:
    """Charts of those columns that have changed, the most first, or where none has, of the first ones."""
    shown = (found.shifted or found.shifts)[:MOST_CHARTS]
    return [
        DriftChart(title=name_column(each, schema), bins=_list_bins(each, each.bins, schema))
        for each in shown
        if each.bins
    ]


def _list_bins(shift: Shift, bins: Bins, schema: Schema) -> list[ChartBin]:
    names = _name_labels(shift, bins, schema) if bins.labels else _name_ranges(shift, bins, schema)
    shares = zip(names, bins.reference, bins.window, strict=True)
    return [ChartBin(name=name, training=training, now=now) for name, training, now in shares]


def _name_labels(shift: Shift, bins: Bins, schema: Schema) -> list[str]:
    if shift.part == "output":
        labels = schema.target.labels
        return [labels.get(label, label) or gettext("any other") for label in bins.labels]
    feature = _find_feature(shift, schema)
    groups = (InputGroup(feature=shift.name, value=each or None, is_other=not each, rows=0) for each in bins.labels)
    return [write_values(each, feature) for each in groups]


def _name_ranges(shift: Shift, bins: Bins, schema: Schema) -> list[str]:
    feature, target = _find_feature(shift, schema), schema.target
    # Between two whole numbers or days, the later one is the first of the next range.
    is_whole = isinstance(feature, Integer | Date)
    place: Callable[[float], float] = target.to_shown if shift.part == "output" else math.ceil if is_whole else float
    ends = [None, *map(place, bins.ends), None]
    if len(ends) == 2:
        return [gettext("all values")]
    groups = (InputGroup(feature=shift.name, low=low, high=high, rows=0) for low, high in pairwise(ends))
    return [write_values(each, feature) for each in groups]


def _find_feature(shift: Shift, schema: Schema) -> Feature:
    """The input by which values are written; for other columns a number in the unit that people see."""
    if shift.part == "length":
        return Integer(name=shift.name, label=shift.name)
    if shift.part != "input":
        unit = schema.target.shown_unit if shift.part == "output" else ""
        return Number(name=shift.name, label=shift.name, unit=unit)
    return schema.by_name[shift.name]
