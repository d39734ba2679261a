"""Reads columns of texts as numbers, where that is what they are."""

import json

import polars as pl

from predictor.exceptions import DatasetError
from predictor.formats import write_count
from predictor.numbers import LIKE_NUMBER_PATTERN, NUMBER_PATTERN
from predictor.tables.cells import are_codes, cast_numbers, match_whole
from predictor.training.amounts import read_amounts
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.kinds import read_whole
from predictor.training.recipe import Recipe


def drop_zeros(series: pl.Series) -> pl.Series:
    """Turn codes with leading zeros into whole numbers; leave other columns alone."""
    texts = series.str.strip_chars() if series.dtype == pl.String else series
    return read_whole(cast_numbers(texts)) if texts.dtype == pl.String and are_codes(texts.drop_nulls()) else series


def read_numbers(recipe: Recipe, series: pl.Series) -> pl.Series:
    """Turn a column of texts that all read as numbers, such as " 7" or "+1", into numbers; leave other texts alone.

    Decimals that are all whole become whole numbers. Codes with leading zeros stay texts, unless the recipe has another
    kind or task, or lists choices without them.

    Units and separators of thousands are read where the recipe says that it is a quantity. Whole numbers with a
    `format` become texts, since they are dates: 20260301.

    Raises DatasetError where most of them do and one does not: a typing error such as "1_0" would otherwise make a
    quantity a category, and so would "1,234", which can be read as two numbers. A recipe where this is meant lists the
    choices, or for the target sets the task.
    """
    is_classes = series.name == recipe.target and recipe.task == "classification"
    given = recipe.features.get(series.name, FeatureRecipe())
    is_category = given.choices is not None or given.kind in ("category", "text")
    texts = series.str.strip_chars() if series.dtype == pl.String else series
    if series.dtype == pl.String and are_codes(texts.drop_nulls()):
        is_quantity = given.kind not in (None, "category", "text") or (
            series.name == recipe.target and recipe.task == "regression"
        )
        has_choices = given.choices is not None and not are_codes(pl.Series(map(str, given.choices)))
        return drop_zeros(texts) if is_quantity or has_choices else texts
    if (given.format or "").startswith("%Y") and series.dtype.is_integer():
        return series.cast(pl.String)
    if series.dtype != pl.String or is_category or is_classes:
        return read_whole(series)
    is_quantity = given.kind in ("number", "integer") or (series.name == recipe.target and recipe.task == "regression")
    if is_quantity and (amounts := read_amounts(series)):
        if given.unit and amounts.unit not in ("", given.unit):
            problem = f"the values of {recipe.data} have the unit {amounts.unit!r}, not {given.unit!r}: write the same"
            raise recipe.error(f"features.{series.name}.unit", problem)
        return read_whole(amounts.numbers)
    is_number = match_whole(texts, NUMBER_PATTERN).fill_null(value=True)
    if is_number.all() and texts.null_count() < len(texts):
        return read_whole(cast_numbers(texts))
    is_like_number = match_whole(texts, LIKE_NUMBER_PATTERN).fill_null(value=True)
    is_mostly_plain = (is_number & texts.is_not_null()).sum() > (~is_number).sum()
    if is_mostly_plain or (is_like_number & texts.is_not_null()).sum() > (~is_like_number).sum():
        raise _refuse_slip(recipe, series, is_number if is_mostly_plain or is_like_number.all() else is_like_number)
    return series


def _refuse_slip(recipe: Recipe, series: pl.Series, is_number: pl.Series) -> DatasetError:
    slip, count = series.filter(~is_number)[0], int((is_number & series.is_not_null()).sum())
    hint = "" if any(map(str.isdigit, slip)) else f", write missing = [{json.dumps(slip)}] if it means missing"
    problem = f"{write_count(count, 'value is a number', 'values are numbers')}, but {slip!r} is not: fix it{hint}"
    if not count:
        problem = (
            f"{slip!r} may be thousands or a decimal: write it with a point for decimals and nothing for thousands"
        )
    way_out = 'set task = "classification"' if series.name == recipe.target else "list its choices in the recipe"
    return DatasetError(f"{recipe.data_file}: {series.name}: {problem}, or {way_out}.")
