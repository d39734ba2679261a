"""Adds what really happened to earlier predictions to the rows of a table, as if it had stood there."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

import numpy as np

from predictor.numbers import LARGEST_INTEGER, find_written
from predictor.schema.kinds import Kind
from predictor.schema.target import Target
from predictor.schema.values import Label, Value, Vector, convert_value, write_value
from predictor.texts import normalise_text
from predictor.training.columns import Column
from predictor.training.recipe import FeatureRecipe, Recipe


@dataclass(frozen=True, kw_only=True)
class Observed:
    """n predictions of a model of which it is known what happened: inputs by feature name, and the outcome.

    `targets` names the column that each is an outcome of, since a model may have predicted another one once. `since`
    is the moment that they were recorded at or after, None for any; `newest` that of the last, None for none.
    """

    inputs: list[dict[str, Value]]
    outcomes: list[float | Label]
    targets: list[str]
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
    """One outcome, or one of its inputs, is nothing that the table could hold; the message says why."""


def join_observed(
    recipe: Recipe, columns: list[Column], target: Target, target_values: Vector, observed: Observed
) -> Joined:
    """Encode outcomes as the table's rows are, and put them behind these; `target_values` has shape (n,).

    A category or class that the table lacks is added, as it would be had it stood there; where the recipe lists
    the choices, it is left out. So is a row without one of the features.
    """
    rows: list[dict[str, Value]] = []
    happened: list[float | Label] = []
    causes: Counter[str] = Counter()
    for inputs, outcome, name in zip(observed.inputs, observed.outcomes, observed.targets, strict=True):
        try:
            fitting = _fit_outcome(target, outcome, name)
            row = {column.name: _fit_value(recipe, column, inputs) for column in columns}
        except DoesNotFit as cause:
            causes[str(cause)] += 1
        else:
            rows.append(row)
            happened.append(fitting)
    target, target_values = _append_answers(target, target_values, happened)
    return Joined(
        columns=[_append_values(column, [row[column.name] for row in rows]) for column in columns],
        target=target,
        target_values=target_values,
        left_out=dict(sorted(causes.items())),
    )


def _fit_value(recipe: Recipe, column: Column, inputs: dict[str, Value]) -> Value:
    """What a column would hold of these inputs: text for a category, a number for all else, None for missing."""
    given = recipe.features.get(column.name, FeatureRecipe())
    if column.name not in inputs:
        raise DoesNotFit(f"there is no input {column.name}")
    value = inputs[column.name]
    if value is None:
        if given.required:
            raise DoesNotFit(f"{column.name} is missing")
        return None
    if column.kind == "category":
        text = normalise_text(write_value(value))
        found = find_written(text, column.choices)
        if given.choices is not None and found is None:
            raise DoesNotFit(f"{column.name} is none of the recipe's choices")
        return text if found is None else found
    return _fit_number(column, value)


def _fit_number(column: Column, value: Value) -> float:
    """A quantity, or 1 for a yes and 0 for a no; the value may come from when this was another kind of column."""
    kind: Kind = "boolean" if column.kind == "boolean" else "number"
    try:
        return float(cast(float, convert_value(value, kind)))
    except ValueError as error:
        problem = "neither yes nor no" if kind == "boolean" else "not a number"
        raise DoesNotFit(f"{column.name} is {problem}") from error


def _fit_outcome(target: Target, outcome: float | Label, name: str) -> float | Label:
    """The outcome as this target's; it may come from when the model had other classes, or another task."""
    if name != target.name:
        raise DoesNotFit(f"it is an outcome of {name}")
    try:
        return target.parse(outcome, new_classes=True)
    except ValueError as error:
        kind = "number" if target.task == "regression" else "class like the table's"
        raise DoesNotFit(f"the outcome is no {kind}") from error


def _append_values(column: Column, values: list[Any]) -> Column:
    if column.kind != "category":
        added = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        return replace(column, kind=_widen_kind(column, added), values=np.concatenate([column.values, added]))
    unknown = {value for value in values if value is not None} - set(column.choices)
    # Sorted, as the categories of a table are; with the recipe's choices there is none unknown.
    choices = tuple(sorted({*column.choices, *unknown})) if unknown else column.choices
    codes = {choice: float(code) for code, choice in enumerate(choices)}
    added = np.array([np.nan if value is None else codes[value] for value in values], dtype=np.float64)
    kept = _recode(column.values, [codes[choice] for choice in column.choices])
    return replace(column, choices=choices, values=np.concatenate([kept, added]))


def _widen_kind(column: Column, added: Vector) -> Any:
    known = added[~np.isnan(added)]
    is_whole = (np.floor(known) == known) & (np.abs(known) <= LARGEST_INTEGER)
    return "number" if column.kind == "integer" and not is_whole.all() else column.kind


def _append_answers(target: Target, target_values: Vector, happened: list[Any]) -> tuple[Target, Vector]:
    if target.task == "regression":
        return target, np.concatenate([target_values, np.array(happened, dtype=np.float64)])
    known = target.classes
    classes: tuple[Any, ...] = tuple(sorted({*known, *happened}))
    codes = {label: float(code) for code, label in enumerate(classes)}
    added = np.array([codes[label] for label in happened], dtype=np.float64)
    target_values = np.concatenate([_recode(target_values, [codes[label] for label in known]), added])
    return replace(target, classes=classes), target_values


def _recode(values: Vector, codes: list[float]) -> Vector:
    """Give each old code, from 0, its new one; NaN stays NaN."""
    table = np.array([*codes, np.nan])
    return table[np.where(np.isnan(values), -1, values).astype(np.int64)]
