"""Fits a model and measures it on rows that it was not trained on, compared with a dummy baseline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier, DummyRegressor

from predictor.estimators.coded import Coded
from predictor.estimators.imported import Imported
from predictor.estimators.limited import Limited, Thresholded
from predictor.estimators.on_table import OnTable
from predictor.exceptions import DatasetError, TrainingError
from predictor.formats import write_count
from predictor.metrics.losses import Predictions
from predictor.metrics.scores import score_classification, score_regression
from predictor.schema.kinds import Task
from predictor.schema.table import Inputs, take_rows, to_input
from predictor.schema.values import Mask, Matrix, Vector
from predictor.training.boosters import find_fit_arguments
from predictor.training.dataset import Dataset
from predictor.training.dispatch import run_each
from predictor.training.holdout import assign_folds
from predictor.training.output import limit_output
from predictor.training.pipeline import find_inner, set_single_job
from predictor.training.vectorising import fit_with_terms

Scores = dict[str, float]
HOLD_OUT = "hold-out"
SAMPLE_METHOD = "sample, may have been trained on"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How good a model is: where that was measured, on how many rows, and the scores by metric.

    `method` is "hold-out", "5-fold out-of-fold" where the recipe holds nothing out, or `SAMPLE_METHOD`. `actual` has
    shape (rows,) and contains the true values, numbers or class codes; `predictions` are the model's for the same rows,
    and `baseline_predictions` the dummy's.
    """

    method: str
    rows: int
    scores: Scores
    baseline: Scores
    predictions: "Predictions"
    baseline_predictions: "Predictions"
    actual: Vector


def fit_model(model: BaseEstimator, dataset: Dataset, rows: Mask) -> Any:
    """Fit a clone on the marked rows, its output limited as the recipe says.

    Raises TrainingError with scikit-learn's message.
    """
    fitted = clone(model)
    try:
        arguments, target = find_fit_arguments(fitted, dataset.schema), dataset.target[rows]
        inputs = to_input(take_rows(dataset.inputs, rows))
        fit_with_terms(lambda: fitted.fit(inputs, target, **arguments), fitted)
    except Exception as error:  # Whatever an estimator raises is about this recipe, not about us.
        raise TrainingError(f"{_name_model(model)} could not be fitted: {error}") from error
    set_single_job(fitted)
    return limit_output(OnTable(estimator=fitted) if dataset.texts else fitted, dataset.schema.target)


def take_inputs(dataset: Dataset, rows: Mask) -> Inputs:
    """The marked rows; a matrix in Fortran's order: trees read few columns, and so predict a third faster."""
    if dataset.texts:
        return take_rows(dataset.inputs, rows)
    # Column by column, and by number, it is copied once.
    return dataset.matrix.T.take(np.flatnonzero(rows), axis=1).T


def predict_rows(fitted: BaseEstimator, matrix: Inputs, classes: int) -> Predictions:
    """Predict for a matrix of shape (n, features), or a table with texts; `classes` is 0 for a regression.

    Raises TrainingError where a prediction is not a finite number.
    """
    probabilities = None
    if classes and hasattr(fitted, "predict_with_probabilities"):
        predicted, probabilities = fitted.predict_with_probabilities(matrix)
    else:
        # CatBoost predicts classes as one column.
        predicted = np.asarray(fitted.predict(matrix), dtype=np.float64).reshape(len(matrix))
    infinite = int((~np.isfinite(predicted)).sum())
    if infinite:
        raise TrainingError(
            f"{_name_model(fitted)} gives no finite prediction for {infinite} of {write_count(len(matrix), 'row')}."
        )
    if not classes or not hasattr(fitted, "predict_proba"):
        return Predictions(predicted=predicted)
    if probabilities is None:
        probabilities = fitted.predict_proba(matrix)
    return Predictions(predicted=predicted, probabilities=place_probabilities(fitted, probabilities, classes))


def place_probabilities(fitted: BaseEstimator, trained: Matrix, classes: int) -> NDArray[np.float64]:
    """The probability of each class, shape (n, classes), from those of the classes that it was fitted on."""
    # A class without training rows has no column: its probability is 0.
    probabilities = np.zeros((len(trained), classes))
    probabilities[:, fitted.classes_.astype(int)] = trained
    return probabilities


def make_dummy(classes: int) -> BaseEstimator:
    """The baseline: always the mean, or the most frequent class with the classes' shares as probabilities."""
    return DummyClassifier(strategy="prior") if classes else DummyRegressor(strategy="mean")


def fit_dummy(dataset: Dataset, rows: Mask) -> BaseEstimator:
    """Fit the baseline on the target of the marked rows; it uses no feature."""
    target = dataset.target[rows]
    return make_dummy(len(dataset.schema.target.classes)).fit(np.empty((len(target), 0)), target)


def evaluate_model(model: BaseEstimator, fitted: BaseEstimator, dataset: Dataset) -> Evaluation:
    """Score a model and its baseline on the hold-out, or out of fold where there is none.

    `fitted` is the model fitted on the training rows; `model` is only cloned. Raises TrainingError or DatasetError.
    """
    classes = len(dataset.schema.target.classes)
    if dataset.held_out.any():
        rows = dataset.held_out
        inputs, dummy = take_inputs(dataset, rows), fit_dummy(dataset, dataset.training)
        predictions, baseline = (predict_rows(m, inputs, classes) for m in (fitted, dummy))
        method = HOLD_OUT
    else:
        rows = np.ones(len(dataset.target), dtype=bool)
        predictions, baseline = (predict_out_of_fold(m, dataset, rows) for m in (model, make_dummy(classes)))
        method = "5-fold out-of-fold"
    return _compare_predictions(method, dataset, rows, predictions, baseline)


def evaluate_sample(fitted: Any, dataset: Dataset) -> Evaluation:
    """Score a model made elsewhere on rows that it may have been fitted on, compared with a baseline fitted on them.

    Raises TrainingError or DatasetError.
    """
    rows = np.ones(len(dataset.target), dtype=bool)
    classes = len(dataset.schema.target.classes)
    predictions = predict_rows(fitted, dataset.inputs, classes)
    baseline = predict_rows(fit_dummy(dataset, rows), dataset.matrix, classes)
    return _compare_predictions(SAMPLE_METHOD, dataset, rows, predictions, baseline)


def _compare_predictions(
    method: str, dataset: Dataset, rows: Mask, predictions: Predictions, baseline: Predictions
) -> Evaluation:
    actual = dataset.target[rows]
    score = _make_score(dataset.schema.target.task, actual)
    scores, dummy_scores = score(predictions), score(baseline)
    _check_scores({**scores, **{f"the baseline's {name}": value for name, value in dummy_scores.items()}})
    return Evaluation(
        method=method,
        rows=len(actual),
        scores=scores,
        baseline=dummy_scores,
        predictions=predictions,
        baseline_predictions=baseline,
        actual=actual,
    )


def _check_scores(scores: Scores) -> None:
    for name, score in scores.items():
        if not np.isfinite(score):
            raise DatasetError(f"{name} is {score}: the target's numbers are too far apart for it.")


def predict_out_of_fold(model: BaseEstimator, dataset: Dataset, rows: Mask) -> Predictions:
    """Predict each of the n marked rows by a model that was fitted on the other folds of them alone.

    Raises TrainingError, and DatasetError where they are too few, or too much alike, for two folds.
    """
    classes = len(dataset.schema.target.classes)
    predicted, probabilities = np.zeros(len(dataset.target)), np.zeros((len(dataset.target), classes))
    folds = assign_folds(dataset.hashes)
    if len(np.unique(folds[rows])) < 2:
        raise DatasetError("too few different rows to hold some out: provide more data.")
    has_probabilities = False
    parts = [rows & (folds == fold) for fold in np.unique(folds[rows])]
    calls = ((model, dataset, rows & ~tested, tested, classes) for tested in parts)
    for tested, predictions in zip(parts, run_each(_predict_fold, calls), strict=True):
        predicted[tested] = predictions.predicted
        if predictions.probabilities is not None:
            has_probabilities, probabilities[tested] = True, predictions.probabilities
    shares = probabilities[rows] if has_probabilities else None
    return Predictions(predicted=predicted[rows], probabilities=shares)


def _predict_fold(model: BaseEstimator, dataset: Dataset, training: Mask, tested: Mask, classes: int) -> Predictions:
    return predict_rows(fit_model(model, dataset, training), take_rows(dataset.inputs, tested), classes)


def _make_score(task: Task, actual: NDArray[np.float64]) -> Callable[[Predictions], Scores]:
    if task == "regression":
        return lambda predictions: score_regression(actual, predictions.predicted)
    return lambda predictions: score_classification(actual, predictions.predicted, predictions.probabilities)


def _name_model(model: Any) -> str:
    while isinstance(model, Coded | Imported | Limited | OnTable | Thresholded):
        model = model.estimator
    model = find_inner(model)
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    return type(last).__name__
