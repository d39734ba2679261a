"""Gives the choices of a category and the classes of a target the words of their recipe."""

from collections.abc import Sequence
from dataclasses import replace

from predictor.numbers import find_written
from predictor.schema.target import Target
from predictor.schema.words import find_ambiguous
from predictor.texts import list_names
from predictor.training.recipe import FeatureRecipe, Recipe


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
