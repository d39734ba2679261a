"""Compiles CatBoost's statistics of categories: a feature has few codes, so each statistic is looked up in a table.

The formulas are those of the applicators that CatBoost exports: `CalcHash` and `TModelCtr.Calc` of
`save_model(format="cpp")`.
"""

import ast
import tempfile
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from predictor.training.compiling.graph import Columns, Graph, NotCompiled

MULTIPLIER = np.uint64(0x4906BA494954CB65)
MOST_ENTRIES = 2_000_000
# What a combination is made of, in the order in which CatBoost hashes it.
KINDS = CATEGORY, FLOAT, EXACT = "cat_feature_value", "float_feature", "cat_feature_exact_value"
Split = tuple[int, float, bool]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The tensor that the trees compare with borders: the columns in float32, tests of one category, statistics.

    `splits` has, by CatBoost's number of a split, its column, its border, and whether a missing value goes left.
    """

    name: str
    splits: list[Split]


class Parts:
    """What categories are compared with and combined from: whole numbers, each a column of one tensor."""

    def __init__(self, features: dict[str, Any], columns: Columns) -> None:
        self.floats = features.get("float_features") or []
        self.categories = features.get("categorical_features") or []
        choices = [columns.choices.get(each["flat_feature_index"]) for each in self.categories]
        if None in choices:
            raise NotCompiled("CatBoost's categories are not compiled where their choices are unknown")
        self._choices = [each or 0 for each in choices]
        self._hashes = _hash_codes(max(self._choices)) if choices else np.empty(0, dtype=np.int64)
        self._found: dict[str, dict[tuple[int, float], None]] = {kind: {} for kind in KINDS}

    def add_element(self, element: dict[str, Any]) -> None:
        """Note an element of a combination, so that it becomes a column."""
        kind = element["combination_element"]
        if kind not in self._found:
            raise NotCompiled(f"CatBoost's statistics of {kind!r} are not compiled")
        self._found[kind].setdefault(self._name(element))

    def find_column(self, element: dict[str, Any]) -> int:
        keys = [(kind, each) for kind in KINDS for each in self._found[kind]]
        return keys.index((element["combination_element"], self._name(element)))

    def find_hashes(self, element: dict[str, Any]) -> NDArray[np.uint64]:
        """What CatBoost hashes for each number of an element."""
        if element["combination_element"] != CATEGORY:
            return np.array([0, 1], dtype=np.uint64)
        return self._hashes[: self._choices[element["cat_feature_index"]] + 1].astype(np.uint64)

    def write(self, graph: Graph, columns: Columns, rounded: str) -> str:
        """The tensor, shape (n, parts): codes from 0, whether a float is above a border, whether it is a category."""
        made = []
        for kind, found in self._found.items():
            if not found:
                continue
            features = self.floats if kind == FLOAT else self.categories
            places = [features[feature]["flat_feature_index"] for feature, _ in found]
            wanted = graph.constant(places, np.int64)
            taken = graph.add("Gather", rounded if kind == FLOAT else columns.name, wanted, axis=1)
            values = graph.constant([[value for _, value in found]])
            if kind == CATEGORY:
                made.append(graph.add("Add", taken, graph.constant([[1.0]])))
            elif kind == EXACT:
                made.append(graph.add("Cast", graph.add("Equal", taken, values), to=TensorProto.DOUBLE))
            else:
                above = graph.add("Greater", taken, values)
                is_true = [features[feature]["nan_value_treatment"] == "AsTrue" for feature, _ in found]
                missing = graph.add("And", graph.add("IsNaN", taken), graph.constant([is_true], np.bool_))
                made.append(graph.add("Cast", graph.add("Or", above, missing), to=TensorProto.DOUBLE))
        return graph.add("Concat", *made, axis=1)

    def _name(self, element: dict[str, Any]) -> tuple[int, float]:
        kind = element["combination_element"]
        if kind == FLOAT:
            return element["float_feature_index"], float(np.float32(element["border"]))
        if kind == CATEGORY:
            return element["cat_feature_index"], 0.0
        # The code of the category that has this hash.
        equal = self._hashes.astype(np.int32) == np.int64(element["value"]).astype(np.int32)
        return element["cat_feature_index"], float(np.flatnonzero(equal)[0] - 1)


def add_compared(graph: Graph, model: dict[str, Any], columns: Columns) -> Compared:
    """Add what the splits of a model compare, in the order in which CatBoost numbers them."""
    features = model["features_info"]
    parts, statistics = Parts(features, columns), features.get("ctrs") or []
    rounded = graph.add("Cast", graph.add("Cast", columns.name, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)
    tests = [
        {"combination_element": EXACT, "cat_feature_index": category, "value": value}
        for category, feature in enumerate(parts.categories)
        for value in feature.get("values") or []
    ]
    for element in [*tests, *(each for statistic in statistics for each in statistic["elements"])]:
        parts.add_element(element)
    splits: list[Split] = [
        (feature["flat_feature_index"], float(np.float32(border)), feature["nan_value_treatment"] != "AsTrue")
        for feature in parts.floats
        for border in feature["borders"] or []
    ]
    tensors, width = [rounded], columns.width
    written = parts.write(graph, columns, rounded) if tests or statistics else ""
    if tests:
        wanted = graph.constant([parts.find_column(test) for test in tests], np.int64)
        tensors.append(graph.add("Gather", written, wanted, axis=1))
        splits += [(width + position, 0.5, True) for position in range(len(tests))]
        width += len(tests)
    if statistics:
        tensors.append(_add_statistics(graph, parts, written, model["ctr_data"], statistics))
    for position, statistic in enumerate(statistics):
        splits += [(width + position, float(np.float32(border)), True) for border in statistic["borders"]]
    name = graph.add("Concat", *tensors, axis=1) if len(tensors) > 1 else rounded
    return Compared(name=name, splits=splits)


def _add_statistics(
    graph: Graph, parts: Parts, written: str, stored: dict[str, Any], statistics: list[dict[str, Any]]
) -> str:
    """All statistics, shape (n, statistics), from one table, of which each has a stretch for its combinations."""
    tables: list[NDArray[np.float64]] = []
    longest = max(len(statistic["elements"]) for statistic in statistics)
    places, strides = np.zeros((2, len(statistics), longest))
    for row, statistic in enumerate(statistics):
        elements = sorted(statistic["elements"], key=lambda each: KINDS.index(each["combination_element"]))
        hashes = [parts.find_hashes(each) for each in elements]
        if sum(map(len, tables)) + np.prod([float(len(each)) for each in hashes]) > MOST_ENTRIES:
            raise NotCompiled(f"CatBoost's categories have more than {MOST_ENTRIES:,} combinations")
        tables.append(_calculate(statistic, stored[statistic["identifier"]], _hash_combinations(hashes)))
        for position, each in enumerate(elements):
            places[row, position] = parts.find_column(each)
            strides[row, position] = np.prod([len(one) for one in hashes[position + 1 :]])
    starts = np.cumsum([0, *map(len, tables[:-1])]).astype(np.float64)
    taken = graph.add("Gather", written, graph.constant(places, np.int64), axis=1)
    sums = graph.add(
        "ReduceSum", graph.add("Mul", taken, graph.constant([strides])), graph.constant([2], np.int64), keepdims=0
    )
    indices = graph.add("Cast", graph.add("Add", sums, graph.constant([starts])), to=TensorProto.INT64)
    return graph.add("Gather", graph.constant(np.concatenate(tables)), indices, axis=0)


def _hash_combinations(parts: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """The hash of each combination, in the order of an array with one axis a part."""

    def extend(begun: NDArray[np.uint64], part: NDArray[np.uint64]) -> NDArray[np.uint64]:
        return (MULTIPLIER * (begun[:, None] + MULTIPLIER * part[None, :])).reshape(-1)

    return reduce(extend, parts, np.zeros(1, dtype=np.uint64))


def _calculate(statistic: dict[str, Any], stored: dict[str, Any], hashes: NDArray[np.uint64]) -> NDArray[np.float64]:
    """The value of a statistic for each hash, calculated in float32."""
    kind, stride, flat = statistic["ctr_type"], stored["hash_stride"], stored["hash_map"]
    counts = {int(flat[start]): flat[start + 1 : start + stride] for start in range(0, len(flat), stride)}
    found = np.array([counts.get(int(each), [0] * (stride - 1)) for each in hashes], dtype=np.float32)
    target = statistic["target_border_idx"]
    if kind == "Borders":
        good, total = found[:, target + 1 :].sum(axis=1), found.sum(axis=1)
    elif kind == "Buckets":
        good, total = found[:, target], found.sum(axis=1)
    elif kind in ("Counter", "FeatureFreq"):
        good, total = found[:, 0], np.full(len(found), stored["counter_denominator"], dtype=np.float32)
    elif kind in ("BinarizedTargetMeanValue", "FloatTargetMeanValue"):
        good, total = found[:, 0], found[:, 1]
    else:
        raise NotCompiled(f"CatBoost's statistics {kind!r} are not compiled")
    prior, weight, shift, scale = (
        np.float32(statistic[key]) for key in ("prior_numerator", "prior_denomerator", "shift", "scale")
    )
    return np.asarray(((good + prior) / (total + weight) + shift) * scale, dtype=np.float64)


def _hash_codes(count: int) -> NDArray[np.int64]:
    """The hashes of the codes from −1 to `count` − 1, which CatBoost writes only next to a model in Python."""
    import catboost

    codes = np.arange(-1, count).astype(object).reshape(-1, 1)
    settings = {"iterations": 1, "depth": 1, "thread_count": 1, "verbose": 0, "allow_writing_files": False}
    model = catboost.CatBoostRegressor(**settings).fit(codes, np.arange(count + 1) % 2, cat_features=[0])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hashes.py"
        model.save_model(str(file), format="python", pool=catboost.Pool(codes, cat_features=[0]))
        written = file.read_text()
    start = written.index("{", written.index("cat_features_hashes"))
    hashes = ast.literal_eval(written[start : written.index("}", start) + 1])
    return np.array([hashes[str(code)] for code in range(-1, count)], dtype=np.int64)
