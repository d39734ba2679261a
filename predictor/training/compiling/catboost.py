"""Compiles CatBoost's models: float32 columns and borders, and sums in float64."""

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from predictor.training.compiling.catboost_categories import Compared, add_compared
from predictor.training.compiling.graph import Columns, Graph, NotCompiled, Predicted
from predictor.training.compiling.linear import add_pair
from predictor.training.compiling.nested import Branch, flatten
from predictor.training.compiling.trees import Tree, add_trees, find_splits

# By the name of a loss, the ONNX operator that makes a prediction of a score; the identity needs none.
LINKS = {
    **dict.fromkeys(["RMSE", "MAE", "Quantile", "MAPE", "Huber", "LogCosh", "Expectile", "Lq"], ""),
    **dict.fromkeys(["Poisson", "Tweedie"], "Exp"),
}


def add_regressor(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    model = read_model(estimator)
    loss = _name_loss(model)
    if loss not in LINKS:
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with loss_function {loss!r}")
    numbers, splits = _add_scores(graph, estimator, model, columns)
    return Predicted(numbers=graph.add(LINKS[loss], numbers) if LINKS[loss] else numbers, splits=splits)


def add_classifier(graph: Graph, estimator: Any, columns: Columns) -> Predicted:
    model = read_model(estimator)
    loss = _name_loss(model)
    if loss not in ("Logloss", "MultiClass"):
        raise NotCompiled(f"{type(estimator).__name__} is not compiled with loss_function {loss!r}")
    scores, splits = _add_scores(graph, estimator, model, columns)
    if loss == "MultiClass":
        probabilities = graph.add("Softmax", scores, axis=1)
        return Predicted(
            codes=graph.add("ArgMax", scores, axis=1, keepdims=0), probabilities=probabilities, splits=splits
        )
    second = graph.add("Sigmoid", scores)
    above = graph.add("Greater", scores, graph.constant([[_find_border(estimator)]]))
    codes = graph.add("Reshape", graph.add("Cast", above, to=TensorProto.INT64), graph.constant([-1], np.int64))
    return Predicted(codes=codes, probabilities=add_pair(graph, second), splits=splits)


def read_model(estimator: Any) -> dict[str, Any]:
    """A fitted model as CatBoost writes it in JSON."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.json"
        estimator.save_model(str(file), format="json")
        made: dict[str, Any] = json.loads(file.read_bytes())
    return made


def _name_loss(model: dict[str, Any]) -> str:
    return str(model["model_info"]["params"]["loss_function"]["type"])


def _find_border(estimator: Any) -> float:
    """The score above which it is the second class."""
    border = estimator.get_probability_threshold()
    return float(np.log(border / (1 - border))) if border is not None else 0.0


def _add_scores(
    graph: Graph, estimator: Any, model: dict[str, Any], columns: Columns
) -> tuple[str, dict[int, NDArray[Any]]]:
    """The scores, shape (n, scores), and the borders by column."""
    scale, bias = model["scale_and_bias"]
    bias = np.atleast_1d(np.asarray(bias, dtype=np.float64))
    compared = add_compared(graph, model, columns)
    trees = _read_trees(model, compared, len(bias))
    total = add_trees(graph, compared.name, trees, len(bias))
    scaled = graph.add("Mul", total, graph.constant(float(scale))) if scale != 1 else total
    splits = {column: values for column, values in find_splits(trees).items() if column < columns.width}
    return graph.add("Add", scaled, graph.constant([bias])), splits


def _read_trees(model: dict[str, Any], compared: Compared, scores: int) -> list[Tree]:
    """Each tree once for each score, since ONNX's leaves have one weight."""
    if "oblivious_trees" in model:
        return [
            _read_oblivious(each, compared, score, scores)
            for each in model["oblivious_trees"]
            for score in range(scores)
        ]

    def read(node: dict[str, Any], score: int) -> Branch | float:
        if "split" not in node:
            return float(np.atleast_1d(node["value"])[score])
        feature, border, takes_missing_left = compared.splits[node["split"]["split_index"]]
        return Branch(
            feature=feature,
            threshold=border,
            left=node["left"],
            right=node["right"],
            takes_missing_left=takes_missing_left,
        )

    return [flatten(each, partial(read, score=score), score) for each in model["trees"] for score in range(scores)]


def _read_oblivious(tree: dict[str, Any], compared: Compared, score: int, scores: int) -> Tree:
    """A tree with one split a level, as a heap: the sides of node i are 2i + 1 and 2i + 2."""
    splits = [compared.splits[split["split_index"]] for split in tree.get("splits") or []]
    depth, branches = len(splits), 2 ** len(splits) - 1
    # The leaf's number has the first split as its lowest bit, its place in the heap as its highest.
    places = np.arange(2**depth)
    numbers = sum((places >> (depth - 1 - level) & 1) << level for level in range(depth)) + 0 * places
    levels = np.repeat(np.arange(depth), 2 ** np.arange(depth))
    nodes, is_leaf = np.arange(branches + 2**depth), np.arange(branches + 2**depth) >= branches

    def spread(values: list[Any], dtype: type) -> NDArray[Any]:
        return np.concatenate([np.array(values, dtype=dtype)[levels], np.zeros(2**depth, dtype=dtype)])

    return Tree(
        feature=spread([feature for feature, _, _ in splits], np.int64),
        threshold=spread([border for _, border, _ in splits], np.float64),
        left=np.where(is_leaf, -1, 2 * nodes + 1),
        right=np.where(is_leaf, -1, 2 * nodes + 2),
        takes_missing_left=spread([missing for _, _, missing in splits], np.bool_),
        is_leaf=is_leaf,
        weights=np.concatenate([np.zeros(branches), np.array(tree["leaf_values"])[numbers * scores + score]]),
        target=score,
    )
