"""Compiles what comes before an estimator: codes, imputation, one-hot encoding, scaling, columns side by side."""

from dataclasses import replace
from typing import Any

import numpy as np
from onnx import TensorProto

from predictor.estimators.codes import MISSING_CODE, write_codes
from predictor.training.compiling.graph import Columns, Graph, NotCompiled, Origin

# What leaves numbers as they are.
IDENTITIES = ("predictor.estimators.on_table.to_numbers",)


def add_codes(graph: Graph, numbers: dict[int, tuple[float, ...]], columns: Columns) -> Columns:
    """Replace positions by the numbers that they stand for, in the columns that have any; missing stays missing."""
    made = [_look_up(graph, graph.gather(columns, [column]), numbers.get(column)) for column in range(columns.width)]
    origins = tuple(None if column in numbers else each for column, each in enumerate(columns.origins))
    return replace(columns, name=graph.add("Concat", *made, axis=1), origins=origins)


def _look_up(graph: Graph, column: Columns, numbers: tuple[float, ...] | None) -> str:
    if numbers is None:
        return column.name
    missing, last = graph.add("IsNaN", column.name), graph.constant([[float(len(numbers))]])
    position = graph.add("Cast", graph.add("Where", missing, last, column.name), to=TensorProto.INT64)
    return graph.add("Gather", graph.constant([*numbers, np.nan]), position)


def add_simple_imputer(graph: Graph, step: Any, columns: Columns) -> Columns:
    fills = np.concatenate([graph.encode(columns, place, [each]) for place, each in enumerate(step.statistics_)])
    if step.add_indicator or not np.isnan(step.missing_values):
        raise NotCompiled("SimpleImputer is not compiled with an indicator, or missing values other than NaN")
    if np.isnan(fills).any():
        raise NotCompiled("SimpleImputer is not compiled where it drops a column")
    filled = graph.add("Where", graph.add("IsNaN", columns.name), graph.constant([fills]), columns.name)
    return Columns(name=filled, origins=columns.origins)


def add_one_hot_encoder(graph: Graph, step: Any, columns: Columns) -> Columns:
    categories = [graph.encode(columns, place, each) for place, each in enumerate(step.categories_)]
    infrequent = getattr(step, "_infrequent_enabled", False)
    if infrequent or step.handle_unknown == "warn" or any(np.isnan(each).any() for each in categories):
        raise NotCompiled("OneHotEncoder is not compiled with infrequent or missing categories")
    widths = [len(each) for each in categories]
    spread = graph.gather(columns, np.repeat(np.arange(columns.width), widths).tolist())
    is_it = graph.add("Equal", spread.name, graph.constant([np.concatenate(categories)]))
    encoded = Columns(name=graph.add("Cast", is_it, to=TensorProto.DOUBLE), origins=(None,) * sum(widths))
    if step.handle_unknown == "error":
        known = graph.add("ReduceSum", encoded.name, graph.constant([1], np.int64), keepdims=1)
        graph.refuse_where(graph.add("Less", known, graph.constant([[columns.width]])))
    if step.drop_idx_ is None:
        return encoded
    starts = np.cumsum([0, *widths[:-1]])
    dropped = {int(start + each) for start, each in zip(starts, step.drop_idx_, strict=True) if each is not None}
    return graph.gather(encoded, [each for each in range(sum(widths)) if each not in dropped])


def add_target_encoder(graph: Graph, step: Any, columns: Columns) -> Columns:
    """Look each code up among the target's means; a code that was not in training has the mean of all."""
    outputs, means = len(step.encodings_) // columns.width, np.atleast_1d(step.target_mean_)
    codes = [each for each in _list_codes(graph, step, columns) for _ in range(outputs)]
    spread = graph.gather(columns, np.repeat(np.arange(columns.width), outputs).tolist())
    return _look_up_codes(graph, spread, codes, step.encodings_, np.tile(means, columns.width))


def add_ordinal_encoder(graph: Graph, step: Any, columns: Columns) -> Columns:
    """Look each code up among positions; a code that was not in training is missing, as a missing one is."""
    codes = _list_codes(graph, step, columns)
    positions = [np.where(np.isnan(each), np.nan, np.arange(len(each), dtype=np.float64)) for each in codes]
    return _look_up_codes(graph, columns, codes, positions, np.full(columns.width, np.nan))


def _list_codes(graph: Graph, step: Any, columns: Columns) -> list[Any]:
    """The codes of each column that an encoder found in training, NaN among them where values were missing."""
    codes = [graph.encode(columns, place, each) for place, each in enumerate(step.categories_)]
    if any((known < 0).any() or (known % 1 != 0).any() for known in (each[~np.isnan(each)] for each in codes)):
        raise NotCompiled(f"{type(step).__name__} is compiled for codes of categories only")
    return codes


def _look_up_codes(graph: Graph, columns: Columns, codes: list[Any], values: list[Any], unknown: Any) -> Columns:
    """Replace each column's codes by its values, and all others by the value for unknown ones.

    That is a table with a row for each column: for NaN, for an unknown code below 0, for those from 0 on, and for an
    unknown code above them.
    """
    size = 4 + int(max(np.nanmax(each, initial=-1) for each in codes))
    table = np.repeat(np.asarray(unknown, dtype=np.float64)[:, None], size, axis=1)
    for row, known, each in zip(table, codes, values, strict=True):
        row[np.where(np.isnan(known), 0, known + 2).astype(int)] = each
    last = graph.constant(float(size - 1))
    place = graph.add(
        "Min", graph.add("Max", graph.add("Add", columns.name, graph.constant(2.0)), graph.constant(1.0)), last
    )
    place = graph.add("Where", graph.add("IsNaN", columns.name), graph.constant(0.0), place)
    starts = graph.constant([np.arange(len(table)) * size], np.int64)
    place = graph.add("Add", graph.add("Cast", place, to=TensorProto.INT64), starts)
    return Columns(name=graph.add("Gather", graph.constant(table.ravel()), place), origins=(None,) * len(table))


def add_standard_scaler(graph: Graph, step: Any, columns: Columns) -> Columns:
    return _scale(graph, columns, step.mean_ if step.with_mean else None, step.scale_ if step.with_std else None)


def add_robust_scaler(graph: Graph, step: Any, columns: Columns) -> Columns:
    centre, scale = step.center_ if step.with_centering else None, step.scale_ if step.with_scaling else None
    return _scale(graph, columns, centre, scale)


def add_max_abs_scaler(graph: Graph, step: Any, columns: Columns) -> Columns:
    if getattr(step, "clip", False):
        raise NotCompiled("MaxAbsScaler is not compiled with clip")
    return _scale(graph, columns, None, step.scale_)


def add_min_max_scaler(graph: Graph, step: Any, columns: Columns) -> Columns:
    if step.clip:
        raise NotCompiled("MinMaxScaler is not compiled with clip")
    scaled = graph.add("Mul", columns.name, graph.constant([step.scale_]))
    moved = graph.add("Add", scaled, graph.constant([step.min_]))
    return Columns(name=moved, origins=_move(columns, -step.min_ / step.scale_, 1 / step.scale_))


def add_polynomial_features(graph: Graph, step: Any, columns: Columns) -> Columns:
    """Multiply `degree` columns for each output; where there are fewer, the others are a column of ones."""
    powers = np.asarray(step.powers_)
    degree, ones = max(1, int(powers.sum(axis=1).max())), columns.width
    factors = np.full((len(powers), degree), ones)
    for output, row in enumerate(powers):
        found = np.repeat(np.arange(columns.width), row)
        factors[output, : len(found)] = found
    padding = graph.constant([0, 0, 0, 1], np.int64), graph.constant(1.0)
    padded = graph.add("Pad", columns.name, *padding, mode="constant")
    chosen = [graph.add("Gather", padded, graph.constant(each, np.int64), axis=1) for each in factors.T]
    product = chosen[0]
    for each in chosen[1:]:
        product = graph.add("Mul", product, each)
    return Columns(name=product, origins=(None,) * len(powers))


def add_function_transformer(graph: Graph, step: Any, columns: Columns) -> Columns:
    if step.func is None or name_function(step.func) in IDENTITIES:
        return columns
    if step.func is not write_codes:
        raise NotCompiled("FunctionTransformer is not compiled: it may do anything")
    choices = step.kw_args["choices"]
    is_code = np.isin(np.arange(columns.width), list(choices))
    is_gap = graph.add("And", graph.add("IsNaN", columns.name), graph.constant([is_code], np.bool_))
    name = graph.add("Where", is_gap, graph.constant([[float(MISSING_CODE)]]), columns.name)
    return Columns(name=name, origins=columns.origins, choices=choices)


def name_function(function: Any) -> str:
    """The name by which a function is imported."""
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"


def _scale(graph: Graph, columns: Columns, mean: Any, scale: Any) -> Columns:
    """Subtract and divide as scikit-learn does, so that no number falls on another side of a later split."""
    name = columns.name
    if mean is not None:
        name = graph.add("Sub", name, graph.constant([mean]))
    if scale is not None:
        name = graph.add("Div", name, graph.constant([scale]))
    means = np.zeros(columns.width) if mean is None else np.asarray(mean)
    return Columns(name=name, origins=_move(columns, means, np.ones(columns.width) if scale is None else scale))


def _move(columns: Columns, means: Any, scales: Any) -> tuple[Origin | None, ...]:
    return tuple(
        origin
        and Origin(
            column=origin.column, mean=origin.mean + origin.scale * float(mean), scale=origin.scale * float(scale)
        )
        for origin, mean, scale in zip(columns.origins, means, scales, strict=True)
    )
