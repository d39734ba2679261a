"""Judges whether a version does what its hold-out promised: the rule of the alarm (docs/monitoring.md)."""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from predictor.metrics.bootstrap import RESAMPLES, find_interval
from predictor.metrics.names import METRICS, Metric
from predictor.metrics.shares import DEVIATIONS, find_share_interval
from predictor.models import Version
from predictor.monitoring.losses import SEED, Stratum, draw_strata, join_strata, score_strata
from predictor.record.measurement import Measurement
from predictor.record.quality import Judged, Score
from predictor.schema.values import Vector

# A loss that is larger by this share of the promised one is large enough for an alarm, and one larger by half of that
# ends none.
LARGE = 0.1
# The same for accuracy (in shares of all answers) and log loss (in nats) where the promised loss is near 0.
LEAST: dict[Metric, float] = {"accuracy": 0.01, "log_loss": 0.01}
# What could be larger by this share of the promised loss, and by so much, is not known well enough to call it well.
TOO_UNCERTAIN = 0.5
LEAST_UNCERTAIN: dict[Metric, float] = {"accuracy": 0.1, "log_loss": 0.1}
# `training.evaluation` has the same: such a promise is none.
SAMPLE_METHOD = "sample, may have been trained on"


def choose_metric(version: Version, metrics: Sequence[Metric]) -> Metric | None:
    """The metric that the recipe's gate judged the version by; MAE or accuracy where that was not measured."""
    scores = version.parsed_metrics.scores
    task = version.target.task
    wanted = (version.parsed_decision.metric, *reversed(METRICS[task]))
    return next((metric for name in wanted for metric in metrics if metric == name and metric in scores), None)


def find_promise(measured: Measurement, metric: str) -> Score:
    low, high = measured.intervals.get(metric, (None, None))
    return Score(value=measured.scores[metric], low=low, high=high)


def judge(
    compared: Judged, metric: Metric, strata: Sequence[Stratum], measured: Measurement, *, is_alarmed: bool
) -> Judged:
    """Add to what is compared the scores, what was `measured` in training, their difference, and the state.

    `alarm`: the loss is above the promised one by more than `limit`, and the 95 % interval of the difference, in which
    both are resampled, lies above 0. An alarm that is on, `is_alarmed`, stays until the difference is below half of the
    limit. `well`: no alarm, and the interval ends below half of the promised loss. Anything else is not known well.
    """
    promised, observed = find_promise(measured, metric), score_strata(metric, strata)
    loss, promised_loss = join_strata(metric, strata), _to_loss(metric, promised.value)
    drawn = draw_strata(metric, strata)
    found = find_interval(drawn, _draw_promise(metric, promised, measured.rows, drawn, compared.rows))
    change = Score(value=loss - promised_loss, low=found.low, high=found.high)
    limit = max(LARGE * promised_loss, LEAST.get(metric, 0.0))
    described = replace(
        compared,
        metric=metric,
        observed=observed,
        promised=promised,
        method=measured.method,
        promised_rows=measured.rows,
        change=change,
        limit=limit,
    )
    if (is_alarmed and change.value > limit / 2) or (found.low > 0 and change.value > limit):
        return replace(described, state="alarm")
    is_certain = found.high <= max(TOO_UNCERTAIN * promised_loss, LEAST_UNCERTAIN.get(metric, 0.0))
    return replace(
        described, state="well" if is_certain else "cannot say", reason="" if is_certain else "too_uncertain"
    )


def _to_loss(metric: Metric, score: float) -> float:
    return 1 - score if metric == "accuracy" else score


def _draw_promise(metric: Metric, promised: Score, promised_rows: int, drawn: Vector, rows: int) -> Vector:
    """Resamples of the promised loss, shape (2,000,), each half of them normal with the width of its interval there.

    The interval of an accuracy is Wilson's, since without any error on few rows the bootstrap's has no width. Where a
    former build stored none, the loss is as uncertain as the observed one would be on as many rows.
    """
    loss = _to_loss(metric, promised.value)
    if metric == "accuracy":
        low, high = find_share_interval(round(loss * promised_rows), max(promised_rows, 1))
    elif promised.low is not None and promised.high is not None:
        low, high = promised.low, promised.high
    else:
        radius = DEVIATIONS * float(drawn.std()) * np.sqrt(rows / max(promised_rows, 1))
        low, high = loss - radius, loss + radius
    # Not the seed of the other resamples, from which these are independent.
    deviates: Vector = np.random.default_rng([SEED, 1]).normal(0, 1 / DEVIATIONS, RESAMPLES)
    return loss + deviates * np.where(deviates > 0, high - loss, loss - low)
