"""Makes the layout of a version's form: groups and order by the recipe, and the cases that fill it in."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.embed_origins import EXPECTED_ORIGIN, is_origin
from predictor.exceptions import InvalidInput
from predictor.formats import find_decimals
from predictor.record.layout import Example, Layout
from predictor.schema.kinds import Boolean, Category, Feature, Integer, Number
from predictor.schema.schema import Schema
from predictor.schema.temporal import Date, Datetime, Time
from predictor.schema.values import Matrix, Value, Vector, count_equal
from predictor.texts import list_names
from predictor.training.recipe import Recipe

# Medians of fewer rows could tell what one of them has.
FEWEST_ROWS = 20
# More would hardly change a median; evenly spaced in the table.
MOST_ROWS = 50_000
# More classes have no case each.
MOST_CLASSES = 6
# Of a case's numbers, compared with how far the rows are spread.
DIGITS = 2


def make_layout(recipe: Recipe, schema: Schema, matrix: Matrix, target: Vector) -> Layout:
    """The layout of a recipe's form, with typical cases of rows of shape (n, features) and (n,).

    Raises RecipeError where the recipe orders what is no input, has an example that the form would refuse, or lets what
    is no origin embed it.
    """
    _check_origins(recipe)
    known = set(schema.names)
    for name in recipe.order:
        if name not in known or recipe.order.count(name) > 1:
            problem = (
                "is listed twice" if name in known else f"is not an input; the inputs are {list_names(schema.names)}"
            )
            raise recipe.error("order", f"{name!r} {problem}")
    cases = list(make_cases(schema, matrix, target))
    typical = cases[0].inputs if cases else {}
    named = tuple(
        Example(title=each.title, inputs=_parse_inputs(recipe, schema, number, typical | each.inputs))
        for number, each in enumerate(recipe.examples)
    )
    return Layout(
        groups={name: given.group for name, given in recipe.features.items() if given.group and name in known},
        order=tuple(recipe.order),
        examples=(*cases[:1], *named) if named else tuple(cases),
        embed_origins=None if recipe.embed_origins is None else tuple(recipe.embed_origins),
    )


def _check_origins(recipe: Recipe) -> None:
    for origin in recipe.embed_origins or ():
        if not is_origin(origin):
            raise recipe.error("embed_origins", f"{origin!r} is not {EXPECTED_ORIGIN}")


def _parse_inputs(recipe: Recipe, schema: Schema, number: int, given: dict[str, Any]) -> dict[str, Value]:
    try:
        raw = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in given.items()}
        return schema.parse(raw).values
    except InvalidInput as error:
        name, message = next(iter(error.fields.items()))
        raise recipe.error(f"examples[{number}].inputs.{name}", message) from error


def make_cases(schema: Schema, matrix: Matrix, target: Vector) -> Iterator[Example]:
    """Typical cases of rows of shape (n, features) and (n,): of all, and of those with a low or a high target, or of
    each class.

    Each input is the median or the most frequent value of its column alone, numbers are rounded, and a case that is
    one of the rows is left out.
    """
    spaced = slice(None, None, -(-len(target) // MOST_ROWS) or 1)
    some = matrix[spaced]
    for about, of_class, rows in _choose_parts(schema, target[spaced]):
        if rows.sum() < FEWEST_ROWS:
            continue
        inputs: dict[str, Value] = {
            feature.name: value
            for position, feature in enumerate(schema.features)
            if (value := find_typical(feature, some[rows, position], some[:, position])) is not None
        }
        encoded = np.array([feature.encode(inputs.get(feature.name)) for feature in schema.features])
        if inputs and not count_equal(matrix, encoded):
            yield Example(about=about, of_class=of_class, inputs=inputs)


def _choose_parts(schema: Schema, target: Vector) -> Iterator[tuple[Any, Any, NDArray[np.bool_]]]:
    yield "all", None, np.ones(len(target), dtype=bool)
    if schema.target.task == "regression":
        low, high = np.quantile(target, [1 / 3, 2 / 3]) if len(target) else (0.0, 0.0)
        yield "low", None, target <= low
        yield "high", None, target >= high
    elif len(schema.target.classes) <= MOST_CLASSES:
        for code, label in enumerate(schema.target.classes):
            yield "class", label, target == code


def find_typical(feature: Feature, values: Vector, all_values: Vector) -> Value:
    """The typical one of a part's values, shape (rows,), of a column; None where most are missing, and for a text."""
    present = values[~np.isnan(values)]
    if 2 * len(present) <= len(values):
        return None
    match feature:
        case Category():
            return feature.choices[int(_find_commonest(present))]
        case Boolean():
            return bool(_find_commonest(present))
        case Integer() | Number():
            return _round_within(feature, float(np.median(present)), all_values)
        case Date() | Datetime() | Time():
            return feature.decode(float(np.sort(present)[(len(present) - 1) // 2]))
        case _:
            return None


def _find_commonest(values: Vector) -> float:
    codes, counts = np.unique(values, return_counts=True)
    return float(codes[counts.argmax()])


def _round_within(feature: Integer | Number, median: float, values: Vector) -> float | int:
    """A median with the digits that matter, within the limits that the form has."""
    if isinstance(feature, Integer):
        return int(median)
    low, high = np.nanpercentile(values, [10, 90])
    decimals = find_decimals(float(high - low), DIGITS)
    rounded = median if decimals is None else round(median, decimals)
    is_allowed = (feature.minimum is None or feature.minimum <= rounded) and (
        feature.maximum is None or rounded <= feature.maximum
    )
    return rounded + 0.0 if is_allowed else median
