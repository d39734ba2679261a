import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from predictor.exceptions import DatasetError, TrainingError
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.training.columns import Column
from predictor.training.dataset import Dataset
from predictor.training.evaluation import evaluate_model, fit_model, predict_rows
from predictor.training.holdout import assign_folds, hash_rows, is_held_out


def make_dataset(values, target, classes=(), share=0.2):
    values = np.array(values, dtype=float)
    hashes = hash_rows([Column(name="x", kind="number", values=values)])
    task = "classification" if classes else "regression"
    return Dataset(
        schema=Schema(
            features=(make_feature(name="x", kind="number", label="x"),),
            target=Target(name="y", label="y", task=task, classes=classes),
        ),
        matrix=values.reshape(-1, 1),
        target=np.array(target, dtype=float),
        hashes=hashes,
        held_out=is_held_out(hashes, share),
        left_out=0,
        notes=[],
        sha256="",
    )


X = np.arange(60.0)
LINE = make_dataset(X, 2 * X + 1)
HALVES = make_dataset(X, X >= 30, ("low", "high"))


def evaluate(model, dataset):
    return evaluate_model(model, fit_model(model, dataset, dataset.training), dataset)


def test_a_model_is_measured_on_the_hold_out_beside_the_mean():
    evaluation = evaluate(LinearRegression(), LINE)
    held = LINE.target[LINE.held_out]
    assert (evaluation.method, evaluation.rows) == ("hold-out", len(held))
    assert evaluation.scores == pytest.approx({"mae": 0, "rmse": 0, "r2": 1}, abs=1e-9)
    assert evaluation.baseline["mae"] == pytest.approx(np.abs(held - LINE.target[LINE.training].mean()).mean())


def test_a_classifier_is_measured_beside_the_most_frequent_class():
    evaluation = evaluate(DecisionTreeClassifier(random_state=0), HALVES)
    assert set(evaluation.scores) == {"accuracy", "macro_f1", "log_loss"} == set(evaluation.baseline)
    assert evaluation.scores["accuracy"] > 0.9 > 0.7 > evaluation.baseline["accuracy"]


def test_a_classifier_without_probabilities_has_no_log_loss():
    evaluation = evaluate(LinearSVC(), HALVES)
    assert set(evaluation.scores) == {"accuracy", "macro_f1"}


def test_held_out_rows_are_never_learnt():
    spoilt = make_dataset(X, np.where(LINE.held_out, 1e6, LINE.target))
    evaluation = evaluate(KNeighborsRegressor(1), spoilt)
    assert evaluation.scores["mae"] > 9e5
    assert evaluation.baseline["mae"] > 9e5


def test_without_a_hold_out_every_row_is_measured_out_of_fold():
    random = np.random.default_rng(0).normal(size=60)
    # A model trained on a row would predict it exactly, as nothing but its own x determines its target.
    evaluation = evaluate(KNeighborsRegressor(1), make_dataset(X, random, share=0))
    assert (evaluation.method, evaluation.rows) == ("5-fold out-of-fold", 60)
    assert evaluation.scores["mae"] > 0.5


def test_duplicates_of_a_row_are_never_learnt_either():
    random = np.random.default_rng(0).normal(size=30)
    evaluation = evaluate(KNeighborsRegressor(1), make_dataset([*X[:30], *X[:30]], [*random, *random], share=0))
    assert evaluation.scores["mae"] > 0.5


def test_every_fold_is_answered_by_a_model_fitted_on_the_others():
    dataset = make_dataset(X, X, share=0)
    folds = assign_folds(dataset.hashes)
    means = np.array([X[folds != fold].mean() for fold in folds])
    evaluation = evaluate(DummyRegressor(), dataset)
    assert evaluation.scores == evaluation.baseline
    assert evaluation.scores["mae"] == pytest.approx(np.abs(X - means).mean())


def test_a_classifier_is_measured_out_of_fold_with_its_probabilities():
    evaluation = evaluate(DecisionTreeClassifier(random_state=0), make_dataset(X, X >= 30, ("low", "high"), share=0))
    assert evaluation.method == "5-fold out-of-fold"
    assert set(evaluation.scores) == {"accuracy", "macro_f1", "log_loss"} == set(evaluation.baseline)
    assert evaluation.scores["accuracy"] > 0.9


def test_rows_that_are_all_alike_cannot_be_measured():
    with pytest.raises(DatasetError, match="too few different rows to hold some out"):
        evaluate(LinearRegression(), make_dataset([1, 1, 1], [1, 2, 3], share=0))


def test_a_class_that_no_training_row_had_has_the_probability_zero():
    fitted = DecisionTreeClassifier().fit([[0.0], [1.0]], [0.0, 2.0])
    predictions = predict_rows(fitted, np.array([[0.0], [1.0]]), classes=4)
    assert predictions.predicted.tolist() == [0.0, 2.0]
    assert predictions.probabilities.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]


def test_a_regression_answers_without_probabilities():
    predictions = predict_rows(LinearRegression().fit([[0.0], [1.0]], [0, 1]), np.array([[2.0]]), classes=0)
    assert predictions.predicted == pytest.approx([2.0])
    assert predictions.predicted.dtype == np.float64
    assert predictions.probabilities is None


def test_fitting_leaves_the_model_itself_as_it_was():
    model = LinearRegression()
    fitted = fit_model(model, LINE, LINE.training)
    assert hasattr(fitted, "coef_")
    assert not hasattr(model, "coef_")


class Failing(RegressorMixin, BaseEstimator):
    def fit(self, matrix, target):
        raise ZeroDivisionError("there is nothing to learn")


@pytest.mark.parametrize(
    ("model", "dataset", "message"),
    [
        (LogisticRegression(C=-1.0), HALVES, "LogisticRegression could not be fitted: The 'C' parameter of "),
        (LogisticRegression(), make_dataset(X, X * 0, ("a", "b")), "LogisticRegression could not be fitted: This solv"),
        (Failing(), LINE, "Failing could not be fitted: there is nothing to learn"),
    ],
)
def test_what_fails_to_fit_is_named_with_the_reason(model, dataset, message):
    with pytest.raises(TrainingError) as caught:
        fit_model(model, dataset, dataset.training)
    assert str(caught.value).startswith(message)
