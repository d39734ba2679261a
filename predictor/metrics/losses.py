"""Losses per row, from which the gate's metrics are computed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.metrics.names import Metric
from predictor.metrics.scores import SMALLEST_PROBABILITY
from predictor.schema.values import Mask, Vector


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """A model's predictions for n rows: numbers or class codes, shape (n,), and probabilities, (n, classes)."""

    predicted: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None = None

    def choose(self, rows: "Mask | NDArray[np.int64]") -> "Predictions":
        """The predictions for the chosen rows: a mask of shape (n,), or positions."""
        shares = None if self.probabilities is None else self.probabilities[rows]
        return Predictions(predicted=self.predicted[rows], probabilities=shares)

    def equals(self, other: "Predictions", tolerance: float) -> bool:
        """Whether both are equal for the same rows: numbers and probabilities up to `tolerance`.

        Classes must be equal, unless the probabilities of the two differing classes are, up to `tolerance`, in both.
        """
        differs = ~(np.abs(self.predicted - other.predicted) <= tolerance)
        ours, theirs = self.probabilities, other.probabilities
        if ours is None or theirs is None:
            return ours is theirs and not differs.any()
        if ours.shape != theirs.shape or not (np.abs(ours - theirs) <= tolerance).all():
            return False
        rows = np.flatnonzero(differs)
        one, two = (each.predicted[rows].astype(np.int64) for each in (self, other))
        return all((np.abs(each[rows, one] - each[rows, two]) <= tolerance).all() for each in (ours, theirs))


def measure_losses(metric: Metric, actual: Vector, predictions: Predictions) -> Vector:
    """The loss of each row, shape (n,), whose mean (for RMSE, its root) is the metric; for accuracy, 1 − it."""
    if metric == "rmse":
        return (actual - predictions.predicted) ** 2
    if metric == "mae":
        return np.abs(actual - predictions.predicted)
    if metric == "accuracy":
        return (actual != predictions.predicted).astype(np.float64)
    assert predictions.probabilities is not None  # noqa: S101  # The metric is only chosen where there are some.
    chosen = predictions.probabilities[np.arange(len(actual)), actual.astype(int)]
    return -np.log(np.clip(chosen, SMALLEST_PROBABILITY, 1.0))


def join_losses(metric: Metric, losses: Vector) -> Vector:
    """The loss over the last axis of losses per row: their mean or, for RMSE, its root."""
    means: Vector = losses.mean(axis=-1)
    return np.sqrt(means) if metric == "rmse" else means


def score_losses(metric: Metric, losses: Vector) -> float:
    joined = float(join_losses(metric, losses))
    return 1 - joined if metric == "accuracy" else joined
