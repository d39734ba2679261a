"""Reads columns of texts from a table."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from predictor.exceptions import DatasetError
from predictor.schema.text import FEWEST_CHARACTERS
from predictor.training.recipe import Recipe

Texts = NDArray[np.object_]


def normalise_texts(recipe: Recipe, series: pl.Series) -> pl.Series:
    """The texts with every line end as "\\n". Raises DatasetError for a character that databases cannot store."""
    texts = series.cast(pl.String).str.replace_all("\r\n", "\n", literal=True).str.replace_all("\r", "\n", literal=True)
    if texts.str.contains("\x00", literal=True).any():
        raise DatasetError(
            f"{recipe.data_file}: {series.name}: a text contains a NUL character, which databases cannot store."
        )
    return texts


def read_texts(recipe: Recipe, series: pl.Series) -> Texts:
    """The texts of a column, shape (n,); a missing one, and one of whitespace alone, is None, as in a form."""
    texts = normalise_texts(recipe, series)
    return pl.Series([text if text and text.strip() else None for text in texts], dtype=pl.String).to_numpy()


def describe_length(texts: Texts | None) -> dict[str, int]:
    """How long a text may be: as long as the longest, and at least 1,000 characters."""
    if texts is None:
        return {}
    return {"maximum_length": max([FEWEST_CHARACTERS, *(len(text) for text in texts if text is not None)])}
