"""Compiles linear models: sums of columns multiplied by coefficients."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from predictor.training.compiling.graph import Columns, Graph, NotCompiled, Predicted
from predictor.training.compiling.terms import AnyColumns, list_blocks, multiply

# By the name of a link, the ONNX operator of its inverse; the identity needs none.
LINKS = {"IdentityLink": "", "LogLink": "Exp"}


def add_regressor(graph: Graph, estimator: Any, columns: AnyColumns) -> Predicted:
    """Any estimator that predicts coefficients times columns plus an intercept."""
    return Predicted(numbers=_multiply(graph, estimator, columns))


def add_generalised(graph: Graph, estimator: Any, columns: AnyColumns) -> Predicted:
    """Poisson, gamma and Tweedie regression: the inverse of a link, applied to the same sum."""
    link = LINKS.get(type(estimator._base_loss.link).__name__)
    if link is None:
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with this link")
    _refuse_non_finite(graph, columns)
    numbers = _multiply(graph, estimator, columns)
    return Predicted(numbers=graph.add(link, numbers) if link else numbers)


def add_classifier(graph: Graph, estimator: Any, columns: AnyColumns) -> Predicted:
    """A linear classifier without probabilities."""
    _refuse_non_finite(graph, columns)
    return Predicted(codes=add_codes(graph, _multiply(graph, estimator, columns), len(estimator.classes_)))


def add_logistic(graph: Graph, estimator: Any, columns: AnyColumns) -> Predicted:
    """Logistic regression: the logistic function for two classes, softmax for more."""
    _refuse_non_finite(graph, columns)
    scores, classes = _multiply(graph, estimator, columns), len(estimator.classes_)
    codes = add_codes(graph, scores, classes)
    if classes > 2:
        return Predicted(codes=codes, probabilities=graph.add("Softmax", scores, axis=1))
    return Predicted(codes=codes, probabilities=add_pair(graph, graph.add("Sigmoid", scores)))


def add_stochastic(graph: Graph, estimator: Any, columns: AnyColumns) -> Predicted:
    """A linear classifier fitted by stochastic gradient descent."""
    if not hasattr(estimator, "predict_proba"):
        return add_classifier(graph, estimator, columns)
    if estimator.loss != "log_loss" or len(estimator.classes_) > 2:
        raise NotCompiled("SGDClassifier is not compiled with probabilities, but for log_loss and two classes")
    return add_logistic(graph, estimator, columns)


def add_naive_bayes(graph: Graph, estimator: Any, columns: AnyColumns) -> Predicted:
    """Multinomial and complement naive Bayes: the logarithms of probabilities are sums of the columns."""
    _refuse_non_finite(graph, columns)
    is_complement = type(estimator).__name__ == "ComplementNB"
    prior = 0.0 if is_complement and len(estimator.classes_) > 1 else estimator.class_log_prior_
    scores = _sum(graph, estimator.feature_log_prob_, prior, columns)
    codes = graph.add("ArgMax", scores, axis=1, keepdims=0)
    return Predicted(codes=codes, probabilities=graph.add("Softmax", scores, axis=1))


def add_codes(graph: Graph, scores: str, classes: int, *, at_zero: bool = False) -> str:
    """The position of the class with the largest score, the first of equals, shape (n,).

    Two classes have one score: above 0, or with `at_zero` from 0 on, it is the second class.
    """
    if classes > 2:
        return graph.add("ArgMax", scores, axis=1, keepdims=0)
    is_second = graph.add("GreaterOrEqual" if at_zero else "Greater", scores, graph.constant([[0.0]]))
    return graph.add("Reshape", graph.add("Cast", is_second, to=TensorProto.INT64), graph.constant([-1], np.int64))


def add_pair(graph: Graph, second: str) -> str:
    """The probabilities of two classes, (n, 2), from those of the second, (n, 1)."""
    first = graph.add("Sub", graph.constant([[1.0]]), second)
    return graph.add("Concat", first, second, axis=1)


def _multiply(graph: Graph, estimator: Any, columns: AnyColumns) -> str:
    """The sums, shape (n, targets)."""
    return _sum(graph, estimator.coef_, estimator.intercept_, columns)


def _sum(graph: Graph, coefficients: Any, intercept: Any, columns: AnyColumns) -> str:
    weights: NDArray[np.float64] = np.asarray(coefficients, dtype=np.float64).reshape(-1, columns.width)
    added = np.broadcast_to(np.asarray(intercept, dtype=np.float64).reshape(-1), len(weights))
    return graph.add("Add", multiply(graph, weights.T, columns), graph.constant([added]))


def _refuse_non_finite(graph: Graph, columns: AnyColumns) -> None:
    for block in list_blocks(columns):
        if isinstance(block, Columns):
            graph.refuse_non_finite(block.name)


# These predict coefficients times columns plus an intercept, and nothing more.
REGRESSORS = (
    "linear_model.ARDRegression",
    "linear_model.BayesianRidge",
    "linear_model.ElasticNet",
    "linear_model.ElasticNetCV",
    "linear_model.HuberRegressor",
    "linear_model.Lars",
    "linear_model.LarsCV",
    "linear_model.Lasso",
    "linear_model.LassoCV",
    "linear_model.LassoLars",
    "linear_model.LassoLarsCV",
    "linear_model.LassoLarsIC",
    "linear_model.LinearRegression",
    "linear_model.OrthogonalMatchingPursuit",
    "linear_model.OrthogonalMatchingPursuitCV",
    "linear_model.QuantileRegressor",
    "linear_model.Ridge",
    "linear_model.RidgeCV",
    "linear_model.SGDRegressor",
    "linear_model.TheilSenRegressor",
    "svm.LinearSVR",
)
# By the name of exactly that class. They take terms of texts, too.
ESTIMATORS: dict[str, Callable[[Graph, Any, AnyColumns], Predicted]] = {
    **{f"sklearn.{name}": add_regressor for name in REGRESSORS},
    "sklearn.linear_model.GammaRegressor": add_generalised,
    "sklearn.linear_model.LogisticRegression": add_logistic,
    "sklearn.linear_model.LogisticRegressionCV": add_logistic,
    "sklearn.linear_model.Perceptron": add_classifier,
    "sklearn.linear_model.PoissonRegressor": add_generalised,
    "sklearn.linear_model.RidgeClassifier": add_classifier,
    "sklearn.linear_model.RidgeClassifierCV": add_classifier,
    "sklearn.linear_model.SGDClassifier": add_stochastic,
    "sklearn.linear_model.TweedieRegressor": add_generalised,
    "sklearn.naive_bayes.ComplementNB": add_naive_bayes,
    "sklearn.naive_bayes.MultinomialNB": add_naive_bayes,
    "sklearn.svm.LinearSVC": add_classifier,
}
