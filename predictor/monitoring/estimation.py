"""Estimates, before any outcome, how good predictions are: from their inputs, the predictions and their probabilities.

A model of the loss, fitted to rows that the version was not trained on, says how large the loss of each row is expected
to be; their mean is the estimate. For regressions this is Direct Loss Estimation; for classes, Confidence-Based
Performance Estimation (both: NannyML's documentation, "How it works", "Performance estimation"), the mean of calibrated
probabilities that the class is right (Guillory, Shankar, Ebrahimi, Darrell and Schmidt 2021, "Predicting with
confidence on unseen distributions"; Garg, Balakrishnan, Lipton, Neyshabur and Sedghi 2022, "Leveraging unlabeled data
to predict out-of-distribution performance"). They are calibrated by the inputs too, so that they hold where these are
distributed otherwise.

It assumes that outcomes depend on inputs as in training, and that the window's inputs are such as training had.
"""

import math

import numpy as np
from msgspec.structs import replace

from predictor.metrics.loss_columns import arrange_columns
from predictor.metrics.losses import Predictions
from predictor.monitoring.window import Window
from predictor.record.estimate import FEWEST_ROWS, Estimate, State
from predictor.record.loss_model import LossModel
from predictor.schema.values import Matrix, Vector

# Of a longer window, so many rows at even distances: more change no estimate that matters.
MOST_ROWS = 50_000
# So many bound the memory.
ROWS_AT_ONCE = 5_000
CONFIDENCE_95 = 1.96
# By so much is the model of the loss further off than the jackknife shows, which does not see that small trees are too
# flat: then 96 % of the intervals contain the true value, on the tables for tuning of benchmarks/estimated_quality.py.
UNSEEN_ERROR = 2.0
# Nothing is said where a larger share of the rows has inputs that training did not have.
MOST_OUTSIDE = 0.2
# Nor where the model of the loss knows the metric less precisely: in accuracy, or as a share of the MAE.
LARGEST_RADIUS = {"accuracy": 0.02, "mae": 0.1}
# A loss that is larger by this share of the promised one, and by a point of accuracy, is large enough for an alarm, and
# one larger by half of that ends none; what may be so many times as much is not known well enough to call it well.
LARGE, LEAST, TOO_UNCERTAIN = 0.1, {"accuracy": 0.01, "mae": 0.0}, 5


def estimate(kept: LossModel | None, window: Window, *, is_alarmed: bool = False) -> Estimate:
    """The quality to expect of n predictions by the version that kept this, or the reason why nothing can be said.

    Its state is `alarm` where the loss to expect is above the promised one by more than a tenth of that, and by more
    than chance; an alarm that is on, `is_alarmed`, ends at half of that.
    """
    rows = len(window)
    if kept is None:
        return Estimate(rows=rows, reason="nothing kept")
    known = Estimate(rows=rows, metric=kept.metric, promised=kept.promised, promised_radius=kept.promised_radius)
    if rows < FEWEST_ROWS:
        return replace(known, reason="few rows")
    chosen = window if rows <= MOST_ROWS else window.choose(np.linspace(0, rows - 1, MOST_ROWS).astype(np.int64))
    outside = float(kept.support.find_outside(chosen.matrix).mean())
    known = replace(known, outside=outside)
    if outside > MOST_OUTSIDE:
        return replace(known, reason="unlike training")
    probabilities = chosen.probabilities if kept.takes_probabilities else None
    losses = expect_losses(kept, chosen.matrix, Predictions(predicted=chosen.outputs, probabilities=probabilities))
    found = _summarise(kept, known, losses)
    return replace(found, state=_find_state(found, is_alarmed=is_alarmed))


def _summarise(kept: LossModel, known: Estimate, losses: Matrix) -> Estimate:
    """Of expected losses, shape (groups, n)."""
    loss = float(losses.mean())
    # Squares of what is relative to the MAE are finite however large that is.
    scale = loss or 1.0 if kept.metric == "mae" else 1.0
    relative = losses / scale
    variance = _find_model_variance(relative.mean(axis=1))
    if CONFIDENCE_95 * math.sqrt(variance) > LARGEST_RADIUS[kept.metric]:
        return replace(known, reason="imprecise")
    chance = _find_window_variance(kept, relative.mean(axis=0), known.rows)
    radius = CONFIDENCE_95 * math.sqrt(UNSEEN_ERROR**2 * variance + chance) * scale
    lower, upper = max(loss - radius, 0.0), loss + radius
    if kept.metric == "mae":
        return replace(known, value=loss, lower=lower, upper=upper)
    return replace(known, value=1 - loss, lower=max(1 - upper, 0.0), upper=1 - lower)


def _find_state(found: Estimate, *, is_alarmed: bool) -> State:
    if found.value is None or found.lower is None or found.upper is None or found.promised is None:
        return "cannot say"
    assert found.metric is not None  # noqa: S101  # There is no value without one.
    sign = -1 if found.metric == "accuracy" else 1
    change = sign * (found.value - found.promised)
    promised_loss = 1 - found.promised if found.metric == "accuracy" else found.promised
    limit = max(LARGE * promised_loss, LEAST[found.metric])
    radius = math.hypot((found.upper - found.lower) / 2, found.promised_radius)
    if (is_alarmed and change > limit / 2) or (change > limit and change > radius):
        return "alarm"
    return "well" if change + radius <= TOO_UNCERTAIN * limit else "cannot say"


def expect_losses(kept: LossModel, matrix: Matrix, predictions: Predictions) -> Matrix:
    """The expected loss of each of n rows by each group of trees, shape (groups, n)."""
    codes = {column: np.frombuffer(table, dtype="<f4").astype(np.float64) for column, table in kept.codes.items()}
    columns = arrange_columns(matrix, predictions, codes)
    starts = range(0, len(columns), ROWS_AT_ONCE)
    sums = np.concatenate([_add_trees(kept, columns[start : start + ROWS_AT_ONCE]) for start in starts], axis=1)
    return np.exp(sums) if kept.metric == "mae" else 1 / (1 + np.exp(-sums))


def _add_trees(kept: LossModel, columns: Matrix) -> Matrix:
    """The sums of each group's trees, shape (groups, n)."""
    trees = kept.trees
    asked, thresholds, values = trees.read("columns"), trees.read("thresholds"), trees.read("values")
    followers = np.stack([trees.read("right"), trees.read("left")])
    missing_left, rows = trees.read("missing_left").astype(bool), np.arange(len(columns))
    nodes = np.repeat(trees.read("roots")[:, None], len(columns), axis=1)
    for _ in range(trees.depth):
        found = columns[rows, asked[nodes]]
        goes_left = np.where(np.isnan(found), missing_left[nodes], found <= thresholds[nodes])
        nodes = followers[goes_left.astype(np.int8), nodes]
    groups = len(kept.starts)
    sums = values[nodes].astype(np.float64).reshape(groups, len(nodes) // groups, len(columns)).sum(axis=1)
    return sums + np.array(kept.starts)[:, None]


def _find_model_variance(groups: Vector) -> float:
    """The jackknife's: each group of trees was fitted without one of as many parts of the rows.

    (Efron and Stein 1981, "The jackknife estimate of variance".)
    """
    return float((len(groups) - 1) * groups.var())


def _find_window_variance(kept: LossModel, expected: Vector, rows: int) -> float:
    """That of the mean loss of so many rows, if their expected losses, shape (n,), are right."""
    variances = expected * (1 - expected) if kept.metric == "accuracy" else kept.dispersion * expected**2
    return float(variances.mean()) / rows
