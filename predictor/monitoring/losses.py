"""Scores of predictions with outcomes, with bootstrap intervals; of strata that stand for different numbers of rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictor.metrics.bootstrap import find_interval, resample
from predictor.metrics.losses import Predictions, join_losses, measure_losses
from predictor.metrics.names import METRICS, Metric
from predictor.metrics.shares import find_share_interval
from predictor.monitoring.window import Window
from predictor.record.quality import Score
from predictor.schema.values import Vector

SEED = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Stratum:
    """Rows with outcomes that stand for a share of all; their losses have shape (n,), n ≥ 1."""

    losses: Vector
    weight: float = 1.0


def list_metrics(window: Window) -> list[Metric]:
    """The metrics by which a recipe's gate can judge, those that these predictions have."""
    metrics = METRICS[window.schema.target.task]
    has_shares = window.probabilities is not None and np.isfinite(window.probabilities).all()
    return [metric for metric in metrics if metric != "log_loss" or has_shares]


def measure_window(metric: Metric, window: Window) -> Vector:
    """The loss of each row of a window, all with an outcome; shape (n,)."""
    predictions = Predictions(predicted=window.outputs, probabilities=window.probabilities)
    with np.errstate(over="ignore"):
        return measure_losses(metric, window.outcomes, predictions)


def join_strata(metric: Metric, strata: Sequence[Stratum]) -> float:
    """The loss of all that the strata stand for: the weighted mean of their means; for RMSE, its root."""
    means = sum(each.weight * float(each.losses.mean()) for each in strata) / sum(each.weight for each in strata)
    return float(join_losses(metric, np.array([means])))


def draw_strata(metric: Metric, strata: Sequence[Stratum]) -> Vector:
    """The same for 2,000 resamples, shape (2,000,), each stratum resampled by itself."""
    power = 2 if metric == "rmse" else 1
    means = [
        each.weight * resample(metric, each.losses[np.newaxis], SEED + position)[:, 0] ** power
        for position, each in enumerate(strata)
    ]
    joined: Vector = np.sum(means, axis=0) / sum(each.weight for each in strata)
    return np.sqrt(joined) if metric == "rmse" else joined


def score_strata(metric: Metric, strata: Sequence[Stratum]) -> Score:
    """The score as people read it, an accuracy not as a loss, with its 95 % interval.

    It has none where there is one row, or its ends are not finite. Where all answers are right, or all wrong, no
    resample differs: the interval is Wilson's.
    """
    loss, drawn = join_strata(metric, strata), draw_strata(metric, strata)
    interval, rows = find_interval(drawn, np.zeros(1)), sum(len(each.losses) for each in strata)
    if metric == "accuracy":
        if loss in (0, 1):
            low, high = find_share_interval(rows if loss == 0 else 0, rows)
            return Score(value=1 - loss, low=low, high=high)
        return Score(value=1 - loss, low=1 - interval.high, high=1 - interval.low)
    if rows == 1 or not np.isfinite([interval.low, interval.high]).all():
        return Score(value=loss)
    return Score(value=loss, low=interval.low, high=interval.high)
