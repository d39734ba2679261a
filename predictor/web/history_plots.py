"""The charts of a model's history: when each version was live, and the score of each version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from predictor.formats import MISSING
from predictor.languages import gettext as _
from predictor.metrics.names import describe_scale, format_score, name_metric
from predictor.models import Version
from predictor.moments import write_moment
from predictor.record.drawing import measure_text
from predictor.schema.target import Target
from predictor.web.charts import Axis
from predictor.web.plots import (
    LEFT,
    RIGHT,
    TEXT_SIZE,
    WIDTH,
    Figures,
    Plot,
    Series,
    draw_line,
    find_left,
    is_drawable,
    keep_inside,
    make_axis_up,
    thin_ticks,
)

BAND_TOP, BAND_HEIGHT = 8, 30
LABEL_MARGIN = 4


@dataclass(frozen=True, kw_only=True)
class Period:
    """From when to when a version was live; `end` is None while it is. Without a number, the model was retired."""

    number: int | None
    start: datetime
    end: datetime | None


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A period as a part of the band, with its number where that has room."""

    x: float
    width: float
    label: str
    is_retired: bool
    is_live: bool


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """When each version was live, as one band over time."""

    title: str
    segments: list[Segment]
    start: str
    end: str
    figures: Figures

    width, height = WIDTH, BAND_TOP + BAND_HEIGHT + 22
    top, thickness = BAND_TOP, BAND_HEIGHT


def draw_band(periods: Sequence[Period], now: datetime) -> Band | None:
    """None where there is nothing to see: no period, or only one that has just begun."""
    if not periods:
        return None
    start = min(each.start for each in periods)
    seconds = (now - start).total_seconds()
    if seconds <= 0:
        return None
    axis = Axis(label="", low=0, high=seconds, start=LEFT, length=WIDTH - LEFT - RIGHT)
    return Band(
        title=_("When each version was live"),
        segments=[_make_segment(each, axis, start, now) for each in periods],
        start=write_moment(start, "day", short=True),
        end=write_moment(now, "day", short=True),
        figures=Figures(
            head=(_("Version"), _("Live from (UTC)"), _("To")),
            rows=tuple(
                (
                    _("retired") if each.number is None else str(each.number),
                    write_moment(each.start, short=True),
                    write_moment(each.end, short=True) if each.end else _("now"),
                )
                for each in reversed(periods)
            ),
        ),
    )


def _make_segment(period: Period, axis: Axis, start: datetime, now: datetime) -> Segment:
    x, end = (axis.place((moment - start).total_seconds()) for moment in (period.start, period.end or now))
    width = round(max(end - x, 1.0), 1)
    label = "" if period.number is None else str(period.number)
    has_room = measure_text(label, TEXT_SIZE) + 2 * LABEL_MARGIN <= width
    return Segment(
        x=x,
        width=width,
        label=label if has_room else "",
        is_retired=period.number is None,
        is_live=period.end is None and period.number is not None,
    )


@dataclass(frozen=True, kw_only=True)
class ScoredVersion:
    """A version's score by one metric, its 95 % interval where it has one, and the baseline's score."""

    number: int
    score: float
    interval: tuple[float, float] | None
    baseline: float | None

    @property
    def values(self) -> list[float]:
        return [self.score, *(self.interval or ()), *([] if self.baseline is None else [self.baseline])]


def draw_trend(versions: Sequence[Version], target: Target) -> Plot | None:
    """The score of each version with its 95 % interval, next to the baseline's; None for fewer than two versions.

    Mean absolute errors of a regression in the unit that people see, accuracies of a classification.
    """
    metric = "mae" if target.task == "regression" else "accuracy"
    unit, scale = (target.shown_unit, abs(target.output.scale)) if metric == "mae" else ("", 1.0)
    scored = [_read_score(each, metric) for each in reversed(versions) if metric in each.parsed_metrics.scores]
    values = [value for each in scored for value in each.values]
    if len(scored) < 2 or not is_drawable(values):
        return None
    up = make_axis_up(values, unit=unit, scale=scale)
    left = find_left(up.ticks)
    across = Axis(label="", low=-0.5, high=len(scored) - 0.5, start=left, length=WIDTH - RIGHT - left)
    placed = [(across.place(position), each) for position, each in enumerate(scored)]
    label = _capitalise(name_metric(metric))
    return Plot(
        name="trend",
        title=_("{metric} of each version").format(metric=label),
        caption=_(
            "The score of each version with its 95 % interval, and that of the baseline. Each was measured on its own"
            " rows: only versions of the same data can be compared by it."
        ),
        x_label=_("Version"),
        y_label=f"{label} ({unit})" if unit else label,
        x_ticks=keep_inside(thin_ticks([(x, str(each.number)) for x, each in placed])),
        y_ticks=up.ticks,
        series=_draw_scores(placed, up),
        figures=Figures(
            head=(_("Version"), _("Score"), _("95 % interval"), _("Baseline")),
            rows=tuple(_write_score(each, metric, unit, scale) for each in scored),
        ),
        left=left,
        are_keys_shown=True,
    )


def _read_score(version: Version, metric: str) -> ScoredVersion:
    measured = version.parsed_metrics
    return ScoredVersion(
        number=version.number,
        score=measured.scores[metric],
        interval=measured.intervals.get(metric),
        baseline=measured.baseline.get(metric),
    )


def _draw_scores(placed: Sequence[tuple[float, ScoredVersion]], up: Axis) -> tuple[Series, ...]:
    own = tuple((x, up.place(each.score)) for x, each in placed)
    bars = tuple((x, up.place(each.interval[0]), up.place(each.interval[1])) for x, each in placed if each.interval)
    baseline = tuple((x, up.place(each.baseline)) for x, each in placed if each.baseline is not None)
    return (
        Series(code=0, label=_("this model"), line=draw_line(own), marks=own, bars=bars),
        Series(code=1, label=_("baseline"), line=draw_line(baseline), marks=baseline, is_dashed=True),
    )


def _write_score(scored: ScoredVersion, metric: str, unit: str, scale: float) -> tuple[str, ...]:
    interval, baseline = scored.interval, scored.baseline
    written = interval and describe_scale(metric, unit).write_range(*(end * scale for end in interval))
    return (
        str(scored.number),
        format_score(metric, scored.score * scale, unit),
        str(written or MISSING),
        format_score(metric, None if baseline is None else baseline * scale, unit),
    )


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]
