"""Fits how large a model's losses are, by inputs and prediction, from which quality is estimated before outcomes."""

import dataclasses
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from msgspec.structs import replace
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from predictor.metrics.loss_columns import arrange_columns
from predictor.record.loss_model import TYPES, EstimatedMetric, LossModel, Trees
from predictor.schema.kinds import Category
from predictor.schema.schema import Schema
from predictor.schema.values import Mask, Matrix, Vector
from predictor.training.dataset import Dataset
from predictor.training.evaluation import Evaluation
from predictor.training.holdout import assign_folds
from predictor.training.measured_losses import MeasuredLosses, collect_losses
from predictor.training.support import describe_support

# With fewer errors, or right classes, or rows of a category, all are expected to have the same loss.
FEWEST_OF_A_KIND = 20
GROUPS = 5
# Small trees with large leaves, chosen on the tables for tuning of benchmarks/estimated_quality.py.
PARAMS = {
    "learning_rate": 0.1,
    "max_iter": 60,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 100,
    "l2_regularization": 1.0,
    "early_stopping": False,
    "max_features": 0.5,
    "random_state": 0,
}
# Each fits whole folds, since those within a fit wait for each other longer than they work; more would take memory.
THREADS = 2
# With each category's losses, so many rows are counted that have the mean loss of all.
SMOOTHING = 20
CONFIDENCE_95 = 1.96


def fit_loss_model(
    model: BaseEstimator, dataset: Dataset, evaluation: Evaluation, *, fit_seconds: float
) -> LossModel | None:
    """Fit trees to the losses of rows that a model was not trained on.

    None where these are fewer than 500, unknown, or so much alike that none can be left out. `model` is only cloned;
    fitting it took `fit_seconds` of processor time.
    """
    measured = collect_losses(model, dataset, evaluation, fit_seconds=fit_seconds)
    if measured is None or len(_leave_out(measured)) < 2:
        return None
    # The same figure as pages show, also where not all held-out rows were taken.
    return replace(model_losses(dataset.schema, measured), promised=evaluation.scores[measured.metric])


def model_losses(schema: Schema, measured: MeasuredLosses) -> LossModel:
    """Fit groups of trees, each to all rows but those of one fold, of which there are two or more.

    Predictions are stored without sensitive inputs: all are missing here too, so that no tree asks for one.
    """
    hidden = [bool(feature.sensitive) for feature in schema.features]
    measured = dataclasses.replace(measured, matrix=np.where(hidden, np.nan, measured.matrix))
    held_out, scale = measured.losses[measured.held_out], _find_scale(measured)
    scaled = dataclasses.replace(measured, losses=measured.losses / scale)
    codes, parts = _order_codes(schema, scaled), _leave_out(measured)
    columns = arrange_columns(measured.matrix, measured.predictions, codes)
    fit = _fit_trees if all(_varies(scaled, ~left_out) for left_out in parts) else _fit_constant
    starts, trees, expected = [], [], np.empty(len(columns))
    with ThreadPoolExecutor(THREADS) as threads:
        fits = threads.map(lambda left_out: fit(measured.metric, columns, scaled.losses, left_out), parts)
        for left_out, (start, grown, losses) in zip(parts, fits, strict=True):
            starts.append(start)
            trees += grown
            expected[left_out] = losses
    promised, offset = float(held_out.mean()), _find_offset(scaled, expected) + math.log(scale)
    return LossModel(
        metric=measured.metric,
        rows=len(measured.losses),
        promised=1 - promised if measured.metric == "accuracy" else promised,
        promised_radius=CONFIDENCE_95 * scale * float((held_out / scale).std()) / len(held_out) ** 0.5,
        takes_probabilities=measured.predictions.probabilities is not None,
        starts=tuple(start + offset for start in starts),
        trees=pack_trees(trees),
        support=describe_support(schema, measured.matrix),
        dispersion=_measure_dispersion(scaled, expected),
        codes={column: table.astype("<f4").tobytes() for column, table in codes.items()},
    )


def _leave_out(measured: MeasuredLosses) -> list[Mask]:
    """The rows of each fold, shape (n,) each; of few different rows, a fold may have none, and is passed over."""
    folds = assign_folds(measured.hashes, GROUPS, repeat=2)
    return [folds == fold for fold in np.unique(folds)]


def _find_scale(measured: MeasuredLosses) -> float:
    """What losses are divided by: trees sum them in float32, where errors of 1e39 are infinite."""
    return float(measured.losses.mean()) or 1.0 if measured.metric == "mae" else 1.0


def _order_codes(schema: Schema, measured: MeasuredLosses) -> dict[int, Vector]:
    """By column of codes, the mean loss of the rows with each code, shape (codes + 1,), which puts them in an order."""
    columns = {i: measured.matrix[:, i] for i, each in enumerate(schema.features) if isinstance(each, Category)}
    if measured.metric == "accuracy":
        columns[len(schema.features)] = measured.predictions.predicted
    return {column: _order(values, measured.losses) for column, values in columns.items()}


def _order(values: Vector, losses: Vector) -> Vector:
    known = ~np.isnan(values)
    count = int(values[known].max()) + 1 if known.any() else 0
    placed = np.where(known, values, count).astype(np.int64)
    rows, sums = np.bincount(placed, minlength=count + 1), np.bincount(placed, losses, minlength=count + 1)
    means = (sums + SMOOTHING * losses.mean()) / (rows + SMOOTHING)
    # Of a few rows, a mean would tell what each of them was. In float32, trees find the stored numbers again later.
    return np.where(rows < FEWEST_OF_A_KIND, losses.mean(), means).astype(np.float32).astype(np.float64)


def _varies(measured: MeasuredLosses, rows: Mask) -> bool:
    """Whether there is something to explain: enough rows with an error and, of classes, enough without one."""
    losses = measured.losses[rows]
    wrong = int(np.count_nonzero(losses))
    return (wrong if measured.metric == "mae" else min(wrong, len(losses) - wrong)) >= FEWEST_OF_A_KIND


def _fit_trees(
    metric: EstimatedMetric, columns: Matrix, losses: Vector, left_out: Mask
) -> tuple[float, list[Any], Vector]:
    """Trees for the logarithm of a loss's expected value, or for the log-odds of a wrong class.

    Returns what their sum begins with, the trees, and the losses that they expect of the rows that were left out.
    """
    made: Any = HistGradientBoostingRegressor(loss="poisson", **PARAMS)
    if metric == "accuracy":
        made = HistGradientBoostingClassifier(**PARAMS)
    known = columns[~left_out]
    # It refuses a column without any value, such as one of texts.
    known, asked = np.where(np.isnan(known).all(axis=0), 0.0, known), columns[left_out]
    with threadpool_limits(1, "openmp"):
        made.fit(known, losses[~left_out])
        expected = made.predict(asked) if metric == "mae" else made.predict_proba(asked)[:, 1]
    trees = [each for stage in made._predictors for each in stage]
    return float(np.ravel(made._baseline_prediction)[0]), trees, expected


def _fit_constant(
    metric: EstimatedMetric, columns: Matrix, losses: Vector, left_out: Mask
) -> tuple[float, list[Any], Vector]:
    """The same without trees, where there are too few losses of a kind: a half of each is added to the classes."""
    losses = losses[~left_out]
    mean = float((losses.sum() + 0.5) / (len(losses) + 1) if metric == "accuracy" else losses.mean())
    return _link(metric, mean), [], np.full(int(left_out.sum()), mean)


def _link(metric: EstimatedMetric, mean: float) -> float:
    """The logarithm of an expected loss, or the log-odds of an expected share of wrong classes."""
    mean = max(mean, sys.float_info.min)
    return math.log(mean) if metric == "mae" else math.log(mean / (1 - mean))


def _find_offset(measured: MeasuredLosses, expected: Vector) -> float:
    """What brings the sums of trees to the losses of the hold-out: models of fewer rows, out of fold, have larger ones.

    As far as chance does not explain it, by the positive part of James and Stein's estimator (1961, "Estimation with
    quadratic loss").
    """
    if measured.held_out.all():
        return 0.0
    losses, expected = measured.losses[measured.held_out], expected[measured.held_out]
    difference, variance = losses.mean() - expected.mean(), (losses - expected).var() / len(losses)
    trusted = max(0.0, 1 - variance / difference**2) if difference else 0.0
    mean = float(expected.mean())
    return _link(measured.metric, mean + trusted * float(difference)) - _link(measured.metric, mean)


def _measure_dispersion(measured: MeasuredLosses, expected: Vector) -> float:
    squares = float((expected**2).sum())
    return float(((measured.losses - expected) ** 2).sum() / squares) if measured.metric == "mae" and squares else 0.0


def pack_trees(trees: list[Any]) -> Trees:
    """The trees of boosted ensembles, whose nodes are private to scikit-learn, one after the other."""
    parts: dict[str, list[Any]] = {name: [[]] for name in TYPES}
    count, depth = 0, 0
    for nodes in (each.nodes for each in trees):
        is_leaf, own = nodes["is_leaf"].astype(bool), count + np.arange(len(nodes))
        parts["columns"].append(np.where(is_leaf, 0, nodes["feature_idx"]))
        parts["thresholds"].append(np.where(is_leaf, 0.0, nodes["num_threshold"]))
        parts["left"].append(np.where(is_leaf, own, count + nodes["left"]))
        parts["right"].append(np.where(is_leaf, own, count + nodes["right"]))
        parts["missing_left"].append(nodes["missing_go_to_left"])
        parts["values"].append(np.where(is_leaf, nodes["value"], 0.0))
        parts["roots"].append([count])
        count, depth = count + len(nodes), max(depth, int(nodes["depth"].max()))
    packed = {name: np.concatenate(each).astype(TYPES[name]).tobytes() for name, each in parts.items()}
    return Trees(depth=depth, **packed)
