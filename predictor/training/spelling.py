"""What a recipe reads as one value although it is written in several ways: what means missing, and merged spellings."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from predictor.numbers import find_written
from predictor.schema.values import Value, write_value
from predictor.texts import normalise_text
from predictor.training.columns import Column
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.recipe import Recipe


def find_gaps(recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """By column, the texts that mean missing."""
    return {name: given.gaps for name, given in recipe.features.items() if given.gaps}


def merge_spellings(recipe: Recipe, series: pl.Series) -> pl.Series:
    """Write each text of a column as the recipe merges it; other columns stay as they are."""
    aliases = recipe.features.get(series.name, FeatureRecipe()).aliases
    if not aliases or series.dtype != pl.String:
        return series
    texts = series.str.replace_all("\r\n", "\n", literal=True).str.replace_all("\r", "\n", literal=True)
    return texts.replace(aliases)


def read_spelling(given: FeatureRecipe, value: Value) -> Value:
    """Read a stored value as the recipe reads the table's: None for what means missing, or the merged text."""
    if value is None:
        return None
    text = normalise_text(write_value(value))
    if find_written(text.strip(), given.gaps) is not None:
        return None
    return given.aliases.get(text, value)


def describe_canonical(recipe: Recipe, columns: Iterable[Column]) -> dict[str, dict[str, Any]]:
    """How the values of these columns are made canonical before they are hashed, without those that stay as they are.

    Two recipes with the same description hash the same row alike; `format` may differ where one side has ISO 8601.
    """
    described = {}
    for column in sorted(columns, key=lambda column: column.name):
        given = recipe.features.get(column.name, FeatureRecipe())
        parts = {
            "missing": list(given.gaps),
            "merge": dict(sorted(given.aliases.items())),
            "format": column.form.format if column.form else "",
            "zone": column.zone,
        }
        if used := {key: part for key, part in parts.items() if part}:
            described[column.name] = used
    return described
