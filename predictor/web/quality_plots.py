"""The chart of live quality: what outcomes showed, next to what was promised, by week or day."""

from collections.abc import Mapping

from predictor.formats import format_number
from predictor.languages import gettext as _
from predictor.metrics.names import IN_TARGET_UNIT, METRICS, name_metric
from predictor.record.quality import Period, Quality, Score
from predictor.record.written_quality import write_day, write_score
from predictor.schema.target import Target
from predictor.web.charts import Axis
from predictor.web.plots import (
    RIGHT,
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

MOST_PERIODS = 26


def draw_quality(quality: Quality, target: Target) -> Plot | None:
    """The score of the predictions of each week or day with its 95 % interval; None where no outcome was recorded.

    By the metric that is judged, or else the first that was measured.
    """
    metric = quality.judged.metric or next(iter(METRICS[target.task]))
    periods = [each for each in quality.periods if metric in each.scores][-MOST_PERIODS:]
    promised = {each.version: each.promised.get(metric) for each in quality.versions}
    unit, scale = (target.shown_unit, abs(target.output.scale)) if metric in IN_TARGET_UNIT else ("", 1.0)
    values = [value for each in periods for value in _list_values(each.scores[metric], promised.get(each.version))]
    if not is_drawable(values):
        return None
    up = make_axis_up(values, unit=unit, scale=scale)
    left = find_left(up.ticks)
    across = Axis(label="", low=-0.5, high=len(periods) - 0.5, start=left, length=WIDTH - RIGHT - left)
    placed = [(across.place(position), each) for position, each in enumerate(periods)]
    label = name_metric(metric)
    label = label[:1].upper() + label[1:]
    is_week = quality.unit == "week"
    return Plot(
        name="live",
        title=_("What happened, next to what was promised"),
        caption=_(
            "By when predictions were made. The bars are 95 % intervals; the dashed line is what the hold-out promised."
        ),
        x_label=_("Week from") if is_week else _("Day"),
        y_label=f"{label} ({unit})" if unit else label,
        x_ticks=keep_inside(thin_ticks([(x, write_day(each.start)) for x, each in placed])),
        y_ticks=up.ticks,
        series=_draw_series(placed, up, metric, promised),
        figures=_tabulate(periods, metric, promised, target, is_week=is_week),
        left=left,
        are_keys_shown=True,
    )


def _list_values(score: Score, promised: Score | None) -> list[float]:
    ends = [score.low, score.value, score.high, promised.value if promised else None]
    return [each for each in ends if each is not None]


def _draw_series(
    placed: list[tuple[float, Period]], up: Axis, metric: str, promised: Mapping[int, Score | None]
) -> tuple[Series, ...]:
    scores = [(x, each.scores[metric]) for x, each in placed]
    observed = tuple((x, up.place(score.value)) for x, score in scores)
    bars = tuple(
        (x, up.place(score.low), up.place(score.high))
        for x, score in scores
        if score.low is not None and score.high is not None
    )
    promises = [(x, promised.get(each.version)) for x, each in placed]
    line = tuple((x, up.place(score.value)) for x, score in promises if score)
    return (
        Series(code=0, label=_("observed"), line=draw_line(observed), marks=observed, bars=bars),
        Series(code=1, label=_("promised"), line=draw_line(line), marks=line, is_dashed=True),
    )


def _tabulate(
    periods: list[Period], metric: str, promised: Mapping[int, Score | None], target: Target, *, is_week: bool
) -> Figures:
    return Figures(
        head=(
            _("Week from") if is_week else _("Day"),
            _("Version"),
            _("Outcomes"),
            _("Observed"),
            _("Promised"),
        ),
        rows=tuple(
            (
                write_day(each.start),
                str(each.version),
                format_number(each.rows),
                write_score(metric, each.scores[metric], target),
                write_score(metric, promised.get(each.version), target, with_interval=False),
            )
            for each in periods
        ),
    )
