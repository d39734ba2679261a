"""Appends the outcomes of earlier predictions to the rows of a table, as if they had been part of it."""

import math
import sys
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from predictor.exceptions import InvalidValue
from predictor.numbers import LARGEST_INTEGER, find_written
from predictor.schema.kinds import convert_number
from predictor.schema.target import Target
from predictor.schema.values import Label, Value, Vector, read_boolean, recode, write_value
from predictor.texts import normalise_text
from predictor.training.columns import Column
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.recipe import Recipe
from predictor.training.spelling import read_spelling


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Predictions of a model with a recorded outcome, `found` of them, which are read while they are joined.

    A row has inputs by feature name, the outcome, and the name of its column, since a former version may have predicted
    another one. They were recorded at or after `since`, None for any time; `newest` is when the last was, None where
    there is none.
    """

    rows: Iterable[tuple[dict[str, Value], float | Label, str]]
    found: int
    since: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Encoded columns, the target and its values, the table's rows first and then the outcomes that fit.

    `left_out` counts by cause the outcomes that do not fit the recipe or its table.
    """

    columns: list[Column]
    target: Target
    target_values: Vector
    left_out: dict[str, int]


class DoesNotFit(ValueError):  # Caught in this module, which counts such outcomes.
    """One outcome, or one of its inputs, does not fit the table; the message says why."""


def join_observed(
    recipe: Recipe, columns: list[Column], target: Target, target_values: Vector, observed: Observed
) -> Joined:
    """Encode outcomes as the table's rows are, and append them; `target_values` has shape (n,).

    A category or class that is not in the table is added, as it would be if it were; where the recipe lists the
    choices, the row is left out instead. So is a row without one of the features.
    """
    values = {column.name: _make_store(column) for column in columns}
    outcomes: list[float | Label] = []
    causes: Counter[str] = Counter()
    spelt = recipe.features.get(target.name, FeatureRecipe())
    for inputs, outcome, name in observed.rows:
        try:
            fitting = _fit_outcome(recipe, target, read_spelling(spelt, outcome), name)
            row = {column.name: _fit_value(recipe, column, inputs) for column in columns}
        except DoesNotFit as cause:
            causes[str(cause)] += 1
        else:
            outcomes.append(fitting)
            for column_name, value in row.items():
                _store(values[column_name], value)
    target, target_values = _append_outcomes(target, target_values, outcomes)
    return Joined(
        columns=[_append_values(column, values[column.name]) for column in columns],
        target=target,
        target_values=target_values,
        left_out=dict(sorted(causes.items())),
    )


def _make_store(column: Column) -> "list[Value] | array[float]":
    """Where the values of a column are collected: numbers take 8 bytes each there, not 32."""
    return [] if column.texts is not None or column.kind == "category" else array("d")


def _store(values: "list[Value] | array[float]", value: Value) -> None:
    if isinstance(values, array):
        values.append(math.nan if value is None else float(value))
    else:
        values.append(sys.intern(value) if isinstance(value, str) else value)  # The same few categories.


def _fit_value(recipe: Recipe, column: Column, inputs: dict[str, Value]) -> Value:
    """The column's value in these inputs: text for a category or a text, a number for others, None for missing."""
    given = recipe.features.get(column.name, FeatureRecipe())
    if column.name not in inputs and given.sensitive:
        raise DoesNotFit(f"{column.name} is sensitive, and not kept")
    if column.name not in inputs:
        raise DoesNotFit(f"there is no input {column.name}")
    value = read_spelling(given, inputs[column.name])
    if value is None:
        if given.required:
            raise DoesNotFit(f"{column.name} is missing")
        return None
    match column.kind:
        case "category":
            return _fit_category(column, value, is_open=given.choices is None)
        case "boolean":
            return _fit_boolean(column, value)
        case "number" | "integer":
            return _fit_number(column, value)
        case "text":
            return normalise_text(write_value(value))
        case _:
            return _fit_text(column, value)


def _fit_category(column: Column, value: str | float, *, is_open: bool) -> str:
    text = normalise_text(write_value(value))
    found = find_written(text, column.choices)
    if found is None and not is_open:
        raise DoesNotFit(f"{column.name} is none of the recipe's choices")
    return text if found is None else found


def _fit_boolean(column: Column, value: str | float) -> float:
    """1 for true and 0 for false; the value may be from when the column was of another kind, as below."""
    read = read_boolean(value)
    if read is None:
        raise DoesNotFit(f"{column.name} is neither yes nor no")
    return float(read)


def _fit_number(column: Column, value: str | float) -> float:
    try:
        return convert_number(value)
    except InvalidValue as error:
        raise DoesNotFit(f"{column.name} is not a number") from error


def _fit_outcome(recipe: Recipe, target: Target, outcome: Value, name: str) -> float | Label:
    """The outcome as a value of this target; it may be from when the model had other classes, or another task."""
    if name != target.name:
        raise DoesNotFit(f"it is an outcome of {name}")
    try:
        parsed = target.parse(outcome, new_classes=True)
    except ValueError as error:
        kind = "number" if target.task == "regression" else "class like the table's"
        raise DoesNotFit(f"the outcome is no {kind}") from error
    if recipe.target_transform == "log" and float(parsed) <= 0:
        raise DoesNotFit("the outcome is 0 or less, which has no logarithm")
    return parsed


def _fit_text(column: Column, value: str | float) -> float:
    try:
        return float(column.reader.encode(column.reader.convert(value)))
    except InvalidValue as error:
        raise DoesNotFit(f"{column.name} is not a {column.kind} like the table's") from error


def _append_values(column: Column, values: Any) -> Column:
    if column.texts is not None:
        added = np.full(len(values), np.nan)
        texts = np.concatenate([column.texts, np.array(values, dtype=object)])
        return replace(column, values=np.concatenate([column.values, added]), texts=texts)
    if column.kind != "category":
        added = np.array(values, dtype=np.float64)
        return replace(column, kind=_widen_kind(column, added), values=np.concatenate([column.values, added]))
    unknown = {value for value in values if value is not None} - set(column.choices)
    # Sorted, as the categories of a table are; none is unknown where the recipe lists the choices.
    choices = tuple(sorted({*column.choices, *unknown})) if unknown else column.choices
    codes = {choice: float(code) for code, choice in enumerate(choices)}
    added = np.array([np.nan if value is None else codes[value] for value in values], dtype=np.float64)
    kept = recode(column.values, np.array([*(codes[choice] for choice in column.choices), np.nan]))
    return replace(column, choices=choices, values=np.concatenate([kept, added]))


def _widen_kind(column: Column, added: Vector) -> Any:
    known = added[~np.isnan(added)]
    is_whole = (np.floor(known) == known) & (np.abs(known) <= LARGEST_INTEGER)
    return "number" if column.kind == "integer" and not is_whole.all() else column.kind


def _append_outcomes(target: Target, target_values: Vector, outcomes: list[Any]) -> tuple[Target, Vector]:
    if target.task == "regression":
        return target, np.concatenate([target_values, np.array(outcomes, dtype=np.float64)])
    known = target.classes
    classes: tuple[Any, ...] = tuple(sorted({*known, *outcomes}))
    codes = {label: float(code) for code, label in enumerate(classes)}
    added = np.array([codes[label] for label in outcomes], dtype=np.float64)
    kept = recode(target_values, np.array([*(codes[label] for label in known), np.nan]))
    return replace(target, classes=classes), np.concatenate([kept, added])
