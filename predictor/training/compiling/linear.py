"""Compiles linear models: sums of columns multiplied by coefficients."""

from typing import Any

import numpy as np
from onnx import TensorProto

from predictor.training.compiling.graph import Columns, Graph, NotCompiled, Predicted

# By the name of a link, the ONNX operator of its inverse; the identity needs none.
LINKS = {"IdentityLink": "", "LogLink": "Exp"}


def add_regressor(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    """Any estimator that predicts coefficients times columns plus an intercept."""
    return Predicted(numbers=_multiply(graph, estimator, columns))


def add_generalised(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    """Poisson, gamma and Tweedie regression: the inverse of a link, applied to the same sum."""
    link = LINKS.get(type(estimator._base_loss.link).__name__)
    if link is None:
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with this link")
    graph.refuse_non_finite(columns.name)
    numbers = _multiply(graph, estimator, columns)
    return Predicted(numbers=graph.add(link, numbers) if link else numbers)


def add_classifier(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    """A linear classifier without probabilities."""
    graph.refuse_non_finite(columns.name)
    return Predicted(codes=add_codes(graph, _multiply(graph, estimator, columns), len(estimator.classes_)))


def add_logistic(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    """Logistic regression: the logistic function for two classes, softmax for more."""
    graph.refuse_non_finite(columns.name)
    scores, classes = _multiply(graph, estimator, columns), len(estimator.classes_)
    codes = add_codes(graph, scores, classes)
    if classes > 2:
        return Predicted(codes=codes, probabilities=graph.add("Softmax", scores, axis=1))
    return Predicted(codes=codes, probabilities=add_pair(graph, graph.add("Sigmoid", scores)))


def add_stochastic(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    """A linear classifier fitted by stochastic gradient descent."""
    if not hasattr(estimator, "predict_proba"):
        return add_classifier(graph, estimator, columns)
    if estimator.loss != "log_loss" or len(estimator.classes_) > 2:
        raise NotCompiled("SGDClassifier is not compiled with probabilities, but for log_loss and two classes")
    return add_logistic(graph, estimator, columns)


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


def _multiply(graph: Graph, estimator: Any, columns: Columns) -> str:
    """The sums, shape (n, targets)."""
    weights = np.asarray(estimator.coef_, dtype=np.float64).reshape(-1, columns.width)
    intercept = np.broadcast_to(np.asarray(estimator.intercept_, dtype=np.float64).reshape(-1), len(weights))
    product = graph.add("MatMul", columns.name, graph.constant(weights.T))
    return graph.add("Add", product, graph.constant([intercept]))
