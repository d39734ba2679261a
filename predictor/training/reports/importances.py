"""Measures permutation importances: how much worse predictions become when a feature's column is shuffled."""

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.inspection import permutation_importance

from predictor.estimators.compiled import CompiledModel
from predictor.metrics.losses import Predictions, join_losses, measure_losses
from predictor.metrics.names import Metric
from predictor.record.report import Importance, Importances, SkippedImportances
from predictor.schema.table import Inputs, Table, take_rows
from predictor.schema.values import Vector
from predictor.training.dataset import Dataset
from predictor.training.evaluation import make_dummy, place_probabilities, predict_rows
from predictor.training.reports.profile import choose_rows

REPEATS = 5
MOST_ROWS = 10_000
# In all; but on fewer rows than FEWEST_ROWS, a mean would mean nothing.
MOST_PREDICTIONS = 150_000
# Preparing a text takes many times longer than predicting for a row of numbers.
MOST_PREDICTIONS_FOR_TEXTS = 30_000
FEWEST_ROWS = 100
MOST_FEATURES = 500
MOST_SECONDS = 60.0


def measure_importances(
    fitted: BaseEstimator, dataset: Dataset, metric: Metric, seed: int
) -> Importances | SkippedImportances:
    """Permutation importances (Breiman 2001, "Random forests", section 10).

    For each feature, in the schema's order, the mean and the standard deviation of the increase in loss, by
    `metric`, over 5 shuffles. They are measured on at most 10,000 of the held-out rows, or of all rows where none is
    held out; on fewer where that would be too many predictions. They are skipped where it would take too long.
    """
    names, classes = dataset.schema.names, len(dataset.schema.target.classes)
    if len(names) > MOST_FEATURES:
        return SkippedImportances(
            skipped=f"{len(names)} features are too many to shuffle each: at most {MOST_FEATURES} are"
        )
    passes = REPEATS * len(names)
    most = MOST_PREDICTIONS_FOR_TEXTS if dataset.texts else MOST_PREDICTIONS
    rows = _choose_rows(dataset, max(FEWEST_ROWS, most // passes), seed)
    inputs, actual = take_rows(dataset.inputs, rows), dataset.target[rows]
    # Shuffled in place of the inputs, which may be texts: for each value, the number of the row that it comes from.
    places = np.tile(np.arange(len(rows))[:, np.newaxis], len(names))
    predict = _make_predict(fitted, inputs, metric, classes)

    def score(places: NDArray[np.int64], actual: Vector) -> float:
        predictions = predict(places)
        return -float(join_losses(metric, measure_losses(metric, actual, predictions)))

    # CPU time, since a busy machine must not change the report.
    started = time.process_time()
    score(places, actual)
    seconds = (time.process_time() - started) * passes
    if seconds > MOST_SECONDS:
        return SkippedImportances(
            skipped=f"{passes} rounds of predictions would have taken about {seconds:.0f} seconds"
        )
    # permutation_importance requires `fit`, which imports and compiled models lack; only the score uses the model.
    estimator = fitted if hasattr(fitted, "fit") else make_dummy(classes)
    with _choose_threads(fitted):
        found = permutation_importance(
            estimator, places, actual, scoring=lambda _, *rows: score(*rows), n_repeats=REPEATS, random_state=seed
        )
    return Importances(
        metric=metric,
        rows=len(rows),
        held_out=bool(dataset.held_out.any()),
        repeats=REPEATS,
        features=tuple(
            Importance(name=name, mean=float(mean), sd=float(sd))
            for name, mean, sd in zip(names, found.importances_mean, found.importances_std, strict=True)
        ),
    )


def _choose_threads(fitted: Any) -> AbstractContextManager[Any]:
    """A compiled model predicts in one thread; any other may have threads of its own, or allow no second one."""
    return parallel_config(backend="threading", n_jobs=os.cpu_count() if isinstance(fitted, CompiledModel) else 1)


def _make_predict(
    fitted: Any, inputs: Inputs, metric: Metric, classes: int
) -> Callable[[NDArray[np.int64]], Predictions]:
    """A function that predicts for the inputs as `_rearrange` shuffles them."""
    predict = _predict_by_probabilities if metric == "log_loss" else predict_rows
    if isinstance(inputs, Table) and len(inputs.texts) == inputs.matrix.shape[1] == 1:
        # To shuffle the only input is to shuffle the predictions, and texts take long.
        predictions = predict(fitted, inputs, classes)
        return lambda places: predictions.choose(places[:, 0])
    return lambda places: predict(fitted, _rearrange(inputs, places), classes)


def _rearrange(inputs: Inputs, places: NDArray[np.int64]) -> Inputs:
    """A copy of n rows that takes each value from the row that `places`, shape (n, features), has for it."""
    if not isinstance(inputs, Table):
        return np.take_along_axis(inputs, places, axis=0)
    texts = {column: values[places[:, column]] for column, values in inputs.texts.items()}
    return Table(matrix=np.take_along_axis(inputs.matrix, places, axis=0), texts=texts)


def _predict_by_probabilities(estimator: Any, inputs: Inputs, classes: int) -> Predictions:
    """Predict what the log loss needs; the classes are the most probable ones."""
    probabilities = place_probabilities(estimator, estimator.predict_proba(inputs), classes)
    return Predictions(predicted=probabilities.argmax(axis=1).astype(np.float64), probabilities=probabilities)


def _choose_rows(dataset: Dataset, most: int, seed: int) -> NDArray[np.int64]:
    measured = np.flatnonzero(dataset.held_out) if dataset.held_out.any() else np.arange(len(dataset.target))
    return measured[choose_rows(len(measured), min(most, MOST_ROWS), seed)]
