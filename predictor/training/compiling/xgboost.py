"""Compiles XGBoost's models as they compute: in float32, each sum in the same order."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from predictor.training.compiling.graph import Columns, Graph, NotCompiled, Predicted
from predictor.training.compiling.linear import add_pair
from predictor.training.compiling.trees import Tree, add_trees, find_splits

# By objective, the ONNX operator that makes a prediction of a score; the identity needs none.
LINKS = {
    **dict.fromkeys(
        ["reg:squarederror", "reg:squaredlogerror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror"],
        "",
    ),
    **dict.fromkeys(["count:poisson", "reg:gamma", "reg:tweedie"], "Exp"),
    "reg:logistic": "Sigmoid",
    "binary:logistic": "Sigmoid",
    "multi:softprob": "Softmax",
}


def add_regressor(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    learner = _read_learner(estimator)
    link, trees = _find_link(estimator, learner), _read_trees(estimator, learner)
    numbers = _add_scores(graph, learner, trees, columns)
    return Predicted(numbers=_widen(graph, graph.add(link, numbers) if link else numbers), splits=find_splits(trees))


def add_classifier(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    learner = _read_learner(estimator)
    link, trees = _find_link(estimator, learner), _read_trees(estimator, learner)
    scores = _add_scores(graph, learner, trees, columns)
    if link == "Softmax":
        single = graph.add("Softmax", scores, axis=1)
        codes = graph.add("ArgMax", single, axis=1, keepdims=0)
        return Predicted(codes=codes, probabilities=_widen(graph, single), splits=find_splits(trees))
    if link != "Sigmoid":
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with objective {_name_objective(learner)!r}")
    single = graph.add("Sigmoid", scores)
    is_second = graph.add("Greater", single, graph.constant([[0.5]], np.float32))
    codes = graph.add("Reshape", graph.add("Cast", is_second, to=TensorProto.INT64), graph.constant([-1], np.int64))
    return Predicted(codes=codes, probabilities=add_pair(graph, _widen(graph, single)), splits=find_splits(trees))


def _read_learner(estimator: Any) -> dict[str, Any]:
    """The model as JSON, with the trees alone that it predicts by after an early stop."""
    booster = estimator.get_booster()
    best = booster.attr("best_iteration")
    if best is not None:
        booster = booster[: int(best) + 1]
    learner: dict[str, Any] = json.loads(bytes(booster.save_raw("json")))["learner"]
    name = learner["gradient_booster"]["name"]
    if name != "gbtree":
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with booster={name!r}")
    if int(learner["learner_model_param"]["num_target"]) > 1:
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with several targets")
    if not np.isnan(estimator.missing):
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with missing={estimator.missing!r}")
    return learner


def _name_objective(learner: dict[str, Any]) -> str:
    return str(learner["objective"]["name"])


def _find_link(estimator: Any, learner: dict[str, Any]) -> str:
    name = _name_objective(learner)
    if name not in LINKS:
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with objective {name!r}")
    return LINKS[name]


def _add_scores(graph: Graph, learner: dict[str, Any], trees: list[Tree], columns: Columns) -> str:
    """The base score and what each tree adds, in this order, shape (n, scores)."""
    begin = _find_begin(learner)
    rounded = graph.add("Cast", columns.name, to=TensorProto.FLOAT)
    first = [_make_leaf(float(score), target) for target, score in enumerate(begin)]
    return add_trees(graph, rounded, [*first, *trees], len(begin), single=True)


def _find_begin(learner: dict[str, Any]) -> NDArray[np.float32]:
    """The score before the first tree, shape (scores,): the link of the stored base score, one or one a class."""
    stored = str(learner["learner_model_param"]["base_score"]).strip("[]").split(",")
    base = np.array(stored, dtype=np.float32)
    link, one = LINKS[_name_objective(learner)], np.float32(1)
    if link == "Sigmoid":
        base = -np.log(one / base - one)
    elif link == "Exp":
        base = np.log(base)
    return np.broadcast_to(base, max(1, int(learner["learner_model_param"]["num_class"])))


def _read_trees(estimator: Any, learner: dict[str, Any]) -> list[Tree]:
    model = learner["gradient_booster"]["model"]
    return [_read_tree(tree, target) for tree, target in zip(model["trees"], model["tree_info"], strict=True)]


def _read_tree(tree: dict[str, Any], target: int) -> Tree:
    """XGBoost takes the left side below a threshold, and outside a list of categories."""
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    conditions = np.array(tree["split_conditions"], dtype=np.float32)
    takes_missing_left = np.array(tree["default_left"], dtype=bool)
    members = _read_members(tree)
    swapped = np.array(sorted(members), dtype=np.int64)
    left[swapped], right[swapped] = right[swapped], left[swapped]
    takes_missing_left[swapped] = ~takes_missing_left[swapped]
    # The largest float32 below a threshold.
    thresholds = np.nextafter(conditions, np.float32(-np.inf)).astype(np.float64)
    thresholds[swapped] = np.nan
    return Tree(
        feature=np.array(tree["split_indices"]),
        threshold=thresholds,
        left=left,
        right=right,
        takes_missing_left=takes_missing_left,
        is_leaf=left < 0,
        weights=conditions.astype(np.float64),
        target=target,
        members=members,
    )


def _read_members(tree: dict[str, Any]) -> dict[int, list[int]]:
    segments = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
    return {node: tree["categories"][start : start + size] for node, start, size in segments}


def _make_leaf(weight: float, target: int) -> Tree:
    nothing = np.zeros(1, dtype=np.int64)
    return Tree(
        feature=nothing,
        threshold=np.zeros(1),
        left=nothing - 1,
        right=nothing - 1,
        takes_missing_left=nothing.astype(bool),
        is_leaf=np.ones(1, dtype=bool),
        weights=np.array([weight]),
        target=target,
    )


def _widen(graph: Graph, name: str) -> str:
    return graph.add("Cast", name, to=TensorProto.DOUBLE)
