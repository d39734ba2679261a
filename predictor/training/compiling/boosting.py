"""Compiles both gradient boostings: the inverse of a link, applied to a sum of trees.

The nodes of HistGradientBoosting and the initial prediction of GradientBoosting are private to scikit-learn:
tests/test_compiling.py checks them, and a model whose compiled predictions differ is not compiled.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from predictor.training.compiling.graph import Columns, Graph, NotCompiled, Predicted
from predictor.training.compiling.linear import LINKS, add_codes, add_pair
from predictor.training.compiling.preparation import add_ordinal_encoder
from predictor.training.compiling.trees import Tree, add_trees, cast_columns, find_splits, read_tree

# ONNX wants a member in each list; where only missing values go left, that is this one.
NO_CODE = -1


def add_gradient_regressor(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    numbers, splits = _add_gradient(graph, estimator, columns)
    return Predicted(numbers=numbers, splits=splits)


def add_gradient_classifier(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    scores, splits = _add_gradient(graph, estimator, columns)
    doubled = type(estimator._loss).__name__ == "ExponentialLoss"
    return add_classes(graph, estimator, scores, splits, doubled=doubled, at_zero=True)


def add_histogram_regressor(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    link = LINKS.get(type(estimator._loss.link).__name__)
    if link is None:
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with loss {estimator.loss!r}")
    numbers, splits = _add_histogram(graph, estimator, columns)
    return Predicted(numbers=graph.add(link, numbers) if link else numbers, splits=splits)


def add_histogram_classifier(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    scores, splits = _add_histogram(graph, estimator, columns)
    return add_classes(graph, estimator, scores, splits)


def _add_gradient(graph: Graph, estimator: Any, columns: Columns) -> tuple[str, dict[int, Any]]:
    if not (estimator.init_ == "zero" or type(estimator.init_).__module__ == "sklearn.dummy"):
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with init={estimator.init!r}")
    trees = [
        read_tree(each.tree_, estimator.learning_rate * each.tree_.value[:, 0, 0], target)
        for stage in estimator.estimators_
        for target, each in enumerate(stage)
    ]
    begin = estimator._raw_predict_init(np.zeros((1, columns.width)))
    rounded = cast_columns(graph, columns, takes_missing=False)
    return add_sum(graph, rounded, trees, begin), find_splits(trees)


def _add_histogram(graph: Graph, estimator: Any, columns: Columns) -> tuple[str, dict[int, Any]]:
    trees = [_read_nodes(each, target) for stage in estimator._predictors for target, each in enumerate(stage)]
    splits, order = find_splits(trees), list(range(columns.width))
    if estimator.is_categorical_ is not None:
        # The trees know each code by its position among those in training, and these columns as the first ones.
        chosen = np.asarray(estimator.is_categorical_)
        categories, numbers = np.flatnonzero(chosen).tolist(), np.flatnonzero(~chosen).tolist()
        encoder, order = estimator._preprocessor.named_transformers_["encoder"], categories + numbers
        codes = add_ordinal_encoder(graph, encoder, graph.gather(columns, categories))
        parts = [codes.name, graph.gather(columns, numbers).name] if numbers else [codes.name]
        columns = replace(columns, name=graph.add("Concat", *parts, axis=1))
    name = add_sum(graph, columns.name, trees, estimator._baseline_prediction)
    return name, {order[position]: values for position, values in splits.items()}


def _read_nodes(predictor: Any, target: int) -> Tree:
    nodes = predictor.nodes
    is_categorical = nodes["is_categorical"].astype(bool)
    members = {
        int(node): read_bits(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]) or [NO_CODE]
        for node in np.flatnonzero(is_categorical & ~nodes["is_leaf"].astype(bool))
    }
    return Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=np.where(is_categorical, np.nan, nodes["num_threshold"]),
        left=nodes["left"].astype(np.int64),
        right=nodes["right"].astype(np.int64),
        takes_missing_left=nodes["missing_go_to_left"].astype(bool),
        is_leaf=nodes["is_leaf"].astype(bool),
        weights=nodes["value"],
        target=target,
        members=members,
    )


def read_bits(words: Any) -> list[int]:
    """The positions of the bits that are set in words of 32 bits, the lowest first."""
    return np.flatnonzero(np.unpackbits(np.asarray(words, dtype="<u4").view(np.uint8), bitorder="little")).tolist()


def add_sum(graph: Graph, name: str, trees: list[Tree], begin: Any) -> str:
    """The initial prediction, shape (1, scores), plus the sum of the trees, shape (n, scores)."""
    begin = np.asarray(begin, dtype=np.float64).reshape(1, -1)
    return graph.add("Add", add_trees(graph, name, trees, begin.shape[1]), graph.constant(begin))


def add_classes(
    graph: Graph, estimator: Any, scores: str, splits: dict[int, Any], *, doubled: bool = False, at_zero: bool = False
) -> Predicted:
    """Classes from scores; of two, a score of 0 gives the first, or with `at_zero` the second."""
    classes = len(estimator.classes_)
    if classes > 2:
        codes, probabilities = add_codes(graph, scores, classes), graph.add("Softmax", scores, axis=1)
        return Predicted(codes=codes, probabilities=probabilities, splits=splits)
    odds = graph.add("Mul", scores, graph.constant(2.0)) if doubled else scores
    probabilities = add_pair(graph, graph.add("Sigmoid", odds))
    codes = add_codes(graph, scores, classes, at_zero=at_zero)
    return Predicted(codes=codes, probabilities=probabilities, splits=splits)
