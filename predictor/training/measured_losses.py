"""Collects rows that a model was not trained on, with what it predicted and how wrong that was."""

import contextlib
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator

from predictor.exceptions import DatasetError, TrainingError
from predictor.metrics.losses import Predictions, measure_losses
from predictor.record.loss_model import EstimatedMetric
from predictor.schema.values import Mask, Matrix, Vector
from predictor.training.dataset import Dataset
from predictor.training.evaluation import HOLD_OUT, SAMPLE_METHOD, Evaluation, predict_out_of_fold
from predictor.training.holdout import Hashes, choose_lowest

# With fewer rows, an estimate would nearly always be too imprecise.
FEWEST_ROWS = 500
# Where fewer rows are held out, training rows are predicted out of fold too, unless they are many or a fit takes more
# seconds of processor time.
ENOUGH_HELD_OUT, MOST_FOLDED_ROWS, MOST_SECONDS = 10_000, 50_000, 10.0
# More rows, or values of rows, are not needed for small trees.
MOST_ROWS, MOST_CELLS = 20_000, 5_000_000


@dataclass(frozen=True, kw_only=True)
class MeasuredLosses:
    """The inputs, shape (n, features), predictions, losses and hashes of n rows; `held_out` marks the hold-out's."""

    metric: EstimatedMetric
    matrix: Matrix
    predictions: Predictions
    losses: Vector
    hashes: Hashes
    held_out: Mask


def collect_losses(
    model: BaseEstimator, dataset: Dataset, evaluation: Evaluation, *, fit_seconds: float
) -> MeasuredLosses | None:
    """The rows of the hold-out and, where these are few, the training rows, predicted out of fold.

    None where all are fewer than 500, or where a model may have been trained on them. `model` is only cloned; fitting
    it took `fit_seconds` of processor time, which is the same on a busy machine.
    """
    if evaluation.method == SAMPLE_METHOD or len(dataset.target) < FEWEST_ROWS:
        return None
    held_out = dataset.held_out if evaluation.method == HOLD_OUT else np.ones(len(dataset.target), dtype=bool)
    parts = [(held_out, evaluation.predictions)]
    if _wants_training_rows(dataset, evaluation, fit_seconds):
        # A fold may lack what the estimator needs; then the hold-out remains.
        with contextlib.suppress(DatasetError, TrainingError):
            parts.append((dataset.training, predict_out_of_fold(model, dataset, dataset.training)))
    joined = _join(dataset, [_take_some(dataset, rows, predictions) for rows, predictions in parts])
    return joined if len(joined.losses) >= FEWEST_ROWS else None


def _wants_training_rows(dataset: Dataset, evaluation: Evaluation, fit_seconds: float) -> bool:
    is_affordable = int(dataset.training.sum()) <= MOST_FOLDED_ROWS and fit_seconds <= MOST_SECONDS
    return evaluation.method == HOLD_OUT and evaluation.rows < ENOUGH_HELD_OUT and is_affordable


def _take_some(dataset: Dataset, rows: Mask, predictions: Predictions) -> tuple[Mask, Predictions]:
    """The marked rows, or of many some, with their predictions."""
    most = max(FEWEST_ROWS, min(MOST_ROWS, MOST_CELLS // dataset.matrix.shape[1]))
    taken = choose_lowest(dataset.hashes, rows, most)
    return taken, predictions.choose(taken[rows])


def _join(dataset: Dataset, parts: list[tuple[Mask, Predictions]]) -> MeasuredLosses:
    metric: EstimatedMetric = "accuracy" if dataset.schema.target.classes else "mae"
    return MeasuredLosses(
        metric=metric,
        matrix=np.concatenate([dataset.matrix[rows] for rows, _ in parts]),
        predictions=join_predictions([each for _, each in parts]),
        losses=np.concatenate([measure_losses(metric, dataset.target[rows], each) for rows, each in parts]),
        hashes=np.concatenate([dataset.hashes[rows] for rows, _ in parts]),
        held_out=np.repeat([True, False], [int(parts[0][0].sum()), sum(int(rows.sum()) for rows, _ in parts[1:])]),
    )


def join_predictions(parts: list[Predictions]) -> Predictions:
    """The same model's predictions for several sets of rows, one after the other."""
    probabilities = [each.probabilities for each in parts if each.probabilities is not None]
    return Predictions(
        predicted=np.concatenate([each.predicted for each in parts]),
        probabilities=np.concatenate(probabilities) if len(probabilities) == len(parts) else None,
    )
