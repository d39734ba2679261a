"""How good a model's predictions were, by their outcomes, next to what the hold-out of their version promised."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from predictor.history.ids import find_first_id
from predictor.metrics.names import METRICS, Metric
from predictor.metrics.shares import find_share_interval
from predictor.models import Prediction, Version
from predictor.monitoring.judging import SAMPLE_METHOD, choose_metric, find_promise, judge
from predictor.monitoring.losses import Stratum, list_metrics, measure_window, score_strata
from predictor.monitoring.slices import find_slices
from predictor.monitoring.window import Window
from predictor.record.calibration import MOST_CURVES, measure_calibration
from predictor.record.quality import FEWEST_JUDGED, Judged, Period, Quality, Reason, Score, Share, Unit, VersionQuality
from predictor.schema.values import Mask

# How many windows of predictions with outcomes are looked at, the newest one included.
WINDOWS = 12
DAY, WEEK = timedelta(days=1), timedelta(days=7)
RANDOM, CHOSEN = "random", ("uncertain", "unusual")
MOST_CLASSES = 20
MOST_PERIODS = 60


def find_start(since: datetime, until: datetime) -> datetime:
    """From when on outcomes are looked at: so many windows before the end."""
    return until - WINDOWS * (until - since)


def measure_quality(
    live: Version, versions: Sequence[Version], with_outcome: Window, since: datetime, *, is_alarmed: bool
) -> Quality:
    """The quality of `versions`, and whether the live one does what it promised; the window begins with `since`.

    `with_outcome` are the predictions with an outcome since `find_start`. Those that were asked for since the model was
    uncertain of them, or they were unusual, are left out of all but the judgement (`_stratify`).
    """
    judged, chosen = _judge_live(live, with_outcome, since, is_alarmed=is_alarmed)
    as_they_came = with_outcome.choose(~with_outcome.is_asked_by(*CHOSEN))
    compared = chosen.choose(~chosen.is_asked_by(*CHOSEN))
    unit: Unit = "week" if with_outcome.until - since >= WEEK else "day"
    slices, tested = _find_slices(judged.metric, compared)
    return Quality(
        judged=judged,
        with_outcome=round((with_outcome.created_at >= _to_moment(since)).sum() / _find_share(with_outcome)),
        since=with_outcome.since.isoformat(timespec="seconds"),
        unit=unit,
        periods=tuple(_list_periods(as_they_came, unit)),
        versions=tuple(_list_versions(as_they_came, {each.number: each for each in versions})),
        slices=slices,
        tested=tested,
        **_describe_classes(compared),
    )


def _judge_live(live: Version, with_outcome: Window, since: datetime, *, is_alarmed: bool) -> tuple[Judged, Window]:
    """The judgement of the live version, and its predictions that were compared."""
    own = with_outcome.choose(with_outcome.versions == live.number)
    start = _choose_start(own, since)
    compared = own.choose(own.created_at >= _to_moment(start))
    metrics = [each for each in list_metrics(compared) if np.isfinite(measure_window(each, compared).sum())]
    metric = choose_metric(live, metrics)
    predictions = count_predictions(live, start, with_outcome.until)
    strata = _stratify(compared, predictions * _find_share(with_outcome))
    rows = sum(int(each.sum()) for each, _ in strata)
    described = Judged(
        state="cannot say",
        reason=_find_reason(live, metric, rows),
        metric=metric or "",
        since=start.isoformat(timespec="seconds"),
        until=with_outcome.until.isoformat(timespec="seconds"),
        is_window=start == since,
        predictions=predictions,
        rows=rows,
        random=int((compared.is_asked_by(RANDOM)).sum()),
        is_weighted=len(strata) > 1,
        left_out=len(compared) - rows,
        coverage=_cover(compared.choose(~compared.is_asked_by(*CHOSEN))),
    )
    if described.reason or metric is None:
        return described, compared
    losses = measure_window(metric, compared)
    weighted = [Stratum(losses=losses[each], weight=weight) for each, weight in strata]
    return judge(described, metric, weighted, live.parsed_metrics, is_alarmed=is_alarmed), compared


def _choose_start(own: Window, since: datetime) -> datetime:
    """The window's own start, or where it has too few outcomes, as many windows before as it takes, up to all."""
    length = own.until - since
    starts = [since - count * length for count in range(WINDOWS)]
    usable = ~own.is_asked_by(*CHOSEN)
    enough = (each for each in starts if (usable & (own.created_at >= _to_moment(each))).sum() >= FEWEST_JUDGED)
    return next(enough, starts[0] if not len(own) else starts[-1])


def _find_share(window: Window) -> float:
    """What share of all was read."""
    return len(window) / window.total if window.total else 1.0


def _stratify(compared: Window, predictions: float) -> list[tuple[Mask, float]]:
    """Rows to compare, and how many of all predictions they stand for.

    Where enough were asked for at random, these stand for all predictions without an outcome, and all others for
    themselves alone (post-stratification; Cochran 1977, "Sampling Techniques", section 5A.9). Where not, all count
    alike, but those that were asked for because they are hard are left out.
    """
    is_random = compared.is_asked_by(RANDOM)
    rest = predictions - (~is_random).sum()
    if is_random.sum() >= FEWEST_JUDGED and rest >= is_random.sum():
        strata = [(~is_random, float((~is_random).sum())), (is_random, float(rest))]
        return [(rows, weight) for rows, weight in strata if weight]
    return [(~compared.is_asked_by(*CHOSEN), 1.0)]


def _find_reason(live: Version, metric: Metric | None, rows: int) -> Reason:
    measured = live.parsed_metrics
    if rows == 0:
        return "no_outcomes"
    if not any(each in measured.scores for each in METRICS[live.target.task]) or metric is None:
        return "no_promise"
    if measured.method == SAMPLE_METHOD:
        return "sample_promise"
    return "too_few" if rows < FEWEST_JUDGED else ""


def count_predictions(version: Version, since: datetime, until: datetime) -> int:
    """How many predictions a version made from `since` on to before `until`."""
    first, end = find_first_id(since), find_first_id(until)
    # With all sources, so that the index on version, source and id is read in the range of time alone.
    rows = Prediction.objects.filter(version=version.id, source__in=Prediction.Source.values)
    return rows.filter(id__gte=first, id__lt=end).count()


def _list_periods(window: Window, unit: Unit) -> Iterator[Period]:
    """Each version's days or weeks, which begin with Monday, in UTC, in the order of time; the newest of many."""
    days = window.created_at.astype("datetime64[D]")
    # The first day of numpy's calendar is a Thursday.
    starts = days if unit == "day" else days - ((days.astype(np.int64) + 3) % 7).astype("timedelta64[D]")
    for start in np.unique(starts)[-MOST_PERIODS:]:
        for version in np.unique(window.versions[starts == start]).tolist():
            rows = window.choose((starts == start) & (window.versions == version))
            yield Period(start=str(start), version=version, rows=len(rows), scores=_score(rows))


def _list_versions(window: Window, versions: Mapping[int, Version]) -> Iterator[VersionQuality]:
    for number in sorted({int(each) for each in window.versions}, reverse=True):
        rows, measured = window.choose(window.versions == number), versions[number].parsed_metrics
        scores = _score(rows)
        yield VersionQuality(
            version=number,
            rows=len(rows),
            scores=scores,
            promised={metric: find_promise(measured, metric) for metric in scores if metric in measured.scores},
            coverage=_cover(rows),
        )


def _score(window: Window) -> dict[str, Score]:
    """The score of each metric that is finite."""
    losses = {metric: measure_window(metric, window) for metric in list_metrics(window)}
    return {
        metric: score_strata(metric, [Stratum(losses=each)])
        for metric, each in losses.items()
        if np.isfinite(each.sum())
    }


def _cover(window: Window) -> Share | None:
    """How often the 90 % interval contained the outcome; None without intervals."""
    if window.lower is None or window.upper is None:
        return None
    known = ~np.isnan(window.lower)
    if not known.any():
        return None
    inside = (window.lower <= window.outcomes) & (window.outcomes <= window.upper)
    count, rows = int(inside[known].sum()), int(known.sum())
    low, high = find_share_interval(count, rows)
    return Share(count=count, rows=rows, low=low, high=high)


def _describe_classes(window: Window) -> dict[str, Any]:
    """Calibration and confusion of predictions of one version; nothing of numbers, or of too many classes."""
    if window.schema.target.task == "regression" or not 0 < len(window.classes) <= MOST_CLASSES or not len(window):
        return {}
    width = len(window.classes)
    cells = np.bincount(window.outcomes.astype(int) * width + window.outputs.astype(int), minlength=width**2)
    confusion = tuple(map(tuple, cells.reshape(width, width).tolist()))
    described: dict[str, Any] = {"classes": window.classes, "confusion": confusion}
    if "log_loss" in list_metrics(window) and width <= MOST_CURVES and window.probabilities is not None:
        described["calibration"] = measure_calibration(window.classes, window.outcomes, window.probabilities)
    return described


def _find_slices(metric: str, window: Window) -> Any:
    found = next((each for each in list_metrics(window) if each == metric), None)
    return find_slices(found, window, measure_window(found, window)) if found and len(window) else ((), 0)


def _to_moment(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "ms")
