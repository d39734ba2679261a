"""Lists the choices of a category, and gives them and the classes of a target the words of their recipe."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from predictor.numbers import find_written
from predictor.schema.target import Target
from predictor.schema.words import find_ambiguous
from predictor.texts import list_names, normalise_text
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.recipe import Recipe


def list_choices(series: pl.Series, given: FeatureRecipe, found: list[str]) -> tuple[str, ...]:
    """The recipe's choices; without any, what its labels name and what is found.

    A column of numbers or booleans is only a category where each of its values has words: else it is a quantity.
    """
    if given.choices:
        return tuple(_write_choice(choice, series) for choice in given.choices)
    named = tuple(_write_choice(code, series) for code in given.labels)
    return named if named and series.dtype != pl.String else (*named, *(text for text in found if text not in named))


def _write_choice(choice: str | int, series: pl.Series) -> str:
    """Write a choice as the column's values are written: among whole numbers, "1.0" is "1"."""
    text = normalise_text(str(choice))
    return text.removesuffix(".0") if series.dtype.is_integer() else text


def match_labels(recipe: Recipe, name: str, codes: Sequence[str]) -> dict[str, str]:
    """The recipe's words for a column, by code as it is stored: a code that is written 1.0 may be the code 1.

    Raises RecipeError for words without a code, and for words that would mean two codes.
    """
    given = recipe.features.get(name, FeatureRecipe()).labels
    labels: dict[str, str] = {}
    for written, words in given.items():
        code = find_written(written, codes)
        if code is None:
            raise recipe.error(
                f"features.{name}.labels.{written}", f"there is no such value; it has {list_names(codes)}"
            )
        labels[code] = words.strip()
    if problem := find_ambiguous(codes, labels):
        raise recipe.error(f"features.{name}.labels", problem)
    return labels


def label_target(recipe: Recipe, target: Target) -> Target:
    """The target with the words for its classes. Raises RecipeError as `match_labels` does."""
    return replace(target, labels=match_labels(recipe, target.name, target.words.codes))
