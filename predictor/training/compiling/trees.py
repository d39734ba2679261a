"""Compiles decision trees and the forests that they make."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, TensorProto, numpy_helper

from predictor.training.compiling.graph import TREE_DOMAIN, Columns, Graph, NotCompiled, Predicted

# An attribute of 2 GB cannot be written, and a much larger model than this takes seconds to load.
MOST_NODES = 5_000_000
# The modes of a branch, as ai.onnx.ml numbers them.
LESS_OR_EQUAL, IS_MEMBER = 0, 6


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The nodes of one tree, each array of shape (nodes,); `left` is taken where the value is `threshold` or less.

    `weights` is what a leaf adds to column `target` of the output. Of the nodes in `members`, `left` is taken where
    the value is one of theirs.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    takes_missing_left: NDArray[np.bool_]
    is_leaf: NDArray[np.bool_]
    weights: NDArray[np.float64]
    target: int = 0
    members: dict[int, list[int]] = field(default_factory=dict)


def read_tree(fitted: Any, weights: NDArray[np.float64], target: int = 0) -> Tree:
    """Read a tree of sklearn.tree, with these `weights` of its leaves, shape (nodes,)."""
    return Tree(
        feature=fitted.feature,
        threshold=fitted.threshold,
        left=fitted.children_left,
        right=fitted.children_right,
        takes_missing_left=fitted.missing_go_to_left.astype(bool),
        is_leaf=fitted.children_left < 0,
        weights=weights,
        target=target,
    )


def add_trees(
    graph: Graph, name: str, trees: list[Tree], targets: int, *, mean: bool = False, single: bool = False
) -> str:
    """The sums of what the trees' leaves add, or their mean, shape (n, targets); with `single`, all in float32."""
    count = sum(len(tree.feature) for tree in trees)
    if count > MOST_NODES:
        raise NotCompiled(f"its trees have {count:,} nodes, and {MOST_NODES:,} is the most that is compiled")
    made = graph.add("TreeEnsemble", name, domain=TREE_DOMAIN, n_targets=targets, aggregate_function=0 if mean else 1)
    attributes = graph.nodes[-1].attribute
    for key, values in _join_trees(trees).items():
        if single and values.dtype == np.float64:
            values = values.astype(np.float32)
        if values.dtype == np.int64:
            # make_node would check each of a few million numbers several times.
            attributes.add(name=key, type=AttributeProto.INTS).ints.extend(values.tolist())
        else:
            attributes.add(name=key, type=AttributeProto.TENSOR, t=numpy_helper.from_array(values, key))
    return made


def _join_trees(trees: list[Tree]) -> dict[str, NDArray[Any]]:
    """The attributes of a TreeEnsemble node: the branches of all trees, and their leaves."""
    parts: dict[str, list[NDArray[Any]]] = {}
    roots, branches, leaves = [], 0, 0
    for tree in trees:
        roots.append(branches)
        attributes = _describe_tree(tree, branches, leaves)
        for key, values in attributes.items():
            parts.setdefault(key, []).append(values)
        branches += len(attributes["nodes_splits"])
        leaves += len(attributes["leaf_weights"])
    joined = {key: np.concatenate(values) for key, values in parts.items()}
    if not len(joined["membership_values"]):
        del joined["membership_values"]
    return {**joined, "tree_roots": np.array(roots, dtype=np.int64)}


def _describe_tree(tree: Tree, branches: int, leaves: int) -> dict[str, NDArray[Any]]:
    """The same attributes of one tree, its branches numbered from `branches` on and its leaves from `leaves` on."""
    is_leaf = tree.is_leaf
    ids = np.where(is_leaf, leaves + np.cumsum(is_leaf) - 1, branches + np.cumsum(~is_leaf) - 1).astype(np.int64)
    inner = np.flatnonzero(~is_leaf)
    left, right = tree.left[inner], tree.right[inner]
    if not len(inner):  # A tree with a single leaf becomes a branch with that leaf on both sides.
        inner = left = right = np.zeros(1, dtype=np.int64)
    return {
        "nodes_featureids": np.maximum(tree.feature[inner], 0).astype(np.int64),
        "nodes_splits": tree.threshold[inner].astype(np.float64),
        "nodes_modes": np.where(np.isin(inner, list(tree.members)), IS_MEMBER, LESS_OR_EQUAL).astype(np.uint8),
        "membership_values": _join_members(tree),
        "nodes_missing_value_tracks_true": tree.takes_missing_left[inner].astype(np.int64),
        "nodes_truenodeids": ids[left],
        "nodes_trueleafs": is_leaf[left].astype(np.int64),
        "nodes_falsenodeids": ids[right],
        "nodes_falseleafs": is_leaf[right].astype(np.int64),
        "leaf_targetids": np.full(is_leaf.sum(), tree.target, dtype=np.int64),
        "leaf_weights": tree.weights[is_leaf].astype(np.float64),
    }


def _join_members(tree: Tree) -> NDArray[np.float64]:
    """The values of each node that has any, in the order of the nodes, each list with a NaN at its end."""
    lists = [[*values, np.nan] for _, values in sorted(tree.members.items())]
    return np.array([value for each in lists for value in each], dtype=np.float64)


def find_splits(trees: list[Tree]) -> dict[int, NDArray[np.float64]]:
    """The values at which each column is split, by its position."""
    features = np.concatenate([tree.feature[~tree.is_leaf] for tree in trees])
    thresholds = np.concatenate([tree.threshold[~tree.is_leaf] for tree in trees])
    # A node that asks for categories has no threshold.
    features, thresholds = features[~np.isnan(thresholds)], thresholds[~np.isnan(thresholds)]
    return {int(each): np.unique(thresholds[features == each]) for each in np.unique(features)}


def cast_columns(graph: Graph, columns: Columns, *, takes_missing: bool) -> str:
    """Round to float32 and back, as trees do with their input, and refuse what they refuse."""
    rounded = graph.add("Cast", graph.add("Cast", columns.name, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)
    if not takes_missing:
        graph.refuse_non_finite(rounded)
        return rounded
    infinite = graph.add("Cast", graph.add("IsInf", rounded), to=TensorProto.DOUBLE)
    found = graph.add("ReduceSum", infinite, graph.constant([1], np.int64), keepdims=1)
    graph.refuse_where(graph.add("Greater", found, graph.constant([[0.0]])))
    return rounded


def add_regressor(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    """A regression tree, or the mean of several."""
    fitted = _list_fitted(estimator)
    trees = [read_tree(each, each.value[:, 0, 0]) for each in fitted]
    numbers = add_trees(graph, _cast(graph, estimator, columns), trees, 1, mean=True)
    return Predicted(numbers=numbers, splits=find_splits(trees))


def add_classifier(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    """A classification tree, or several: ONNX's leaves have one weight, so it is a row in a table of probabilities."""
    fitted = _list_fitted(estimator)
    trees, tables, count = [], [], 0
    for target, each in enumerate(fitted):
        is_leaf = each.children_left < 0
        trees.append(read_tree(each, count + np.cumsum(is_leaf) - 1.0, target))
        tables.append(each.value[is_leaf, 0, :])
        count += int(is_leaf.sum())
    rows = add_trees(graph, _cast(graph, estimator, columns), trees, len(trees))
    positions = graph.add("Cast", rows, to=TensorProto.INT64)
    shares = graph.add("Gather", graph.constant(np.concatenate(tables)), positions, axis=0)
    total = graph.add("ReduceSum", shares, graph.constant([1], np.int64), keepdims=0)
    probabilities = graph.add("Div", total, graph.constant(float(len(trees))))
    codes = graph.add("ArgMax", probabilities, axis=1, keepdims=0)
    return Predicted(codes=codes, probabilities=probabilities, splits=find_splits(trees))


def _list_fitted(estimator: Any) -> list[Any]:
    if estimator.n_outputs_ != 1:
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with several targets")
    return [each.tree_ for each in estimator.estimators_] if hasattr(estimator, "estimators_") else [estimator.tree_]


def _cast(graph: Graph, estimator: Any, columns: Columns) -> str:
    return cast_columns(graph, columns, takes_missing=estimator.__sklearn_tags__().input_tags.allow_nan)
