"""Dates in the sample of a model that was fitted elsewhere: texts, unless its description says that it takes dates."""

from collections.abc import Iterator

import polars as pl

from predictor.training.dataset import Dataset
from predictor.training.dates import infer_forms
from predictor.training.recipe import Recipe


def refuse_times(recipe: Recipe) -> None:
    """Raise RecipeError for a column of times, which pandas has no type for."""
    for name, given in recipe.features.items():
        if given.kind == "time":
            raise recipe.error(f"features.{name}.kind", "leave it out: an imported model gets times as texts")


def note_dates(dataset: Dataset) -> Iterator[str]:
    """Name the categories whose choices are dates, and the line by which they become dates."""
    for feature in dataset.schema.features:
        forms = infer_forms(pl.Series(feature.choices, dtype=pl.String)) if feature.kind == "category" else []
        if forms and forms[0].kind != "time":
            line = f'kind = "{forms[0].kind}" below [features.{feature.name}] in its description'
            yield f"{feature.name}: the model gets its dates as texts; where it takes dates of pandas, write {line}"
