"""Compiles LightGBM's models, which predict in float64, from what their boosters dump."""

from typing import Any

import numpy as np

from predictor.training.compiling.graph import Columns, Graph, NotCompiled, Predicted
from predictor.training.compiling.linear import add_pair
from predictor.training.compiling.nested import Branch, flatten
from predictor.training.compiling.trees import Tree, add_trees, find_splits

# By objective, the ONNX operator that makes a prediction of a score; the identity needs none.
LINKS = {
    **dict.fromkeys(["regression", "regression_l1", "huber", "fair", "quantile", "mape"], ""),
    **dict.fromkeys(["poisson", "gamma", "tweedie"], "Exp"),
}

# What is at most this far from 0 is 0 to LightGBM: its kZeroThreshold, a float32.
ZERO = float(np.float32(1e-35))


def add_regressor(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    dumped = estimator.booster_.dump_model()
    objective = dumped.get("objective", "a function")
    link = LINKS.get(objective)
    if link is None:
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with objective {objective!r}")
    trees = _read_trees(estimator, dumped)
    numbers = _add_scores(graph, dumped, trees, columns)
    return Predicted(numbers=graph.add(link, numbers) if link else numbers, splits=find_splits(trees))


def add_classifier(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    dumped = estimator.booster_.dump_model()
    objective, *settings = dumped.get("objective", "a function").split()
    trees = _read_trees(estimator, dumped)
    scores = _add_scores(graph, dumped, trees, columns)
    if objective == "binary" and "sigmoid:1" in settings:
        probabilities = add_pair(graph, graph.add("Sigmoid", scores))
    elif objective == "multiclass":
        probabilities = graph.add("Softmax", scores, axis=1)
    else:
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with objective {objective!r}")
    codes = graph.add("ArgMax", probabilities, axis=1, keepdims=0)
    return Predicted(codes=codes, probabilities=probabilities, splits=find_splits(trees))


def _add_scores(graph: Graph, dumped: dict[str, Any], trees: list[Tree], columns: Columns) -> str:
    """The sum of each class's trees or, for a random forest, their mean, shape (n, scores)."""
    scores, nothing = dumped["num_tree_per_iteration"], graph.constant([[0.0]])
    is_nothing = graph.add("LessOrEqual", graph.add("Abs", columns.name), graph.constant([[ZERO]]))
    total = add_trees(graph, graph.add("Where", is_nothing, nothing, columns.name), trees, scores)
    if not dumped["average_output"]:
        return total
    return graph.add("Div", total, graph.constant(float(len(trees) // scores)))


def _read_trees(estimator: Any, dumped: dict[str, Any]) -> list[Tree]:
    if estimator.get_params().get("linear_tree"):
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with linear_tree")
    return [
        flatten(each["tree_structure"], _read_node, number % dumped["num_tree_per_iteration"])
        for number, each in enumerate(dumped["tree_info"])
    ]


def _read_node(node: dict[str, Any]) -> Branch | float:
    if "split_feature" not in node:
        return float(node["leaf_value"])
    sides = {"feature": node["split_feature"], "left": node["left_child"], "right": node["right_child"]}
    if node["decision_type"] == "==":
        # What is missing is in no list of categories.
        return Branch(**sides, members=[int(each) for each in node["threshold"].split("||")])
    if node["missing_type"] == "Zero":
        raise NotCompiled("LightGBM's trees are not compiled with zero_as_missing")
    threshold = float(node["threshold"])
    # Where a column had no gap, LightGBM takes what is missing for 0.
    takes_missing_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0
    return Branch(**sides, threshold=threshold, takes_missing_left=takes_missing_left)
