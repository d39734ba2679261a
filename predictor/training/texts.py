"""Reads columns of texts from a table."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from predictor.exceptions import DatasetError
from predictor.schema.seen_words import collect_words, store_words
from predictor.schema.text import FEWEST_CHARACTERS, MOST_CHARACTERS
from predictor.schema.values import Mask
from predictor.training.kinds import UNSPACED_PATTERN
from predictor.training.recipe import Recipe

Texts = NDArray[np.object_]
# The parts of long texts take many times their memory.
TEXTS_AT_ONCE = 5_000


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


def describe_texts(texts: Texts, training: Mask, maximum_length: int | None = None) -> dict[str, Any]:
    """What a feature says about a column of texts, shape (n,): how long one may be, and the words of training rows.

    One may be as long as the longest, and at least 1,000 characters, as far as a form can send it.
    """
    longest = max([FEWEST_CHARACTERS, *(len(text) for text in texts if text is not None)])
    known = pl.Series(texts[training].tolist(), dtype=pl.String).drop_nulls()
    unspaced = known.str.count_matches(UNSPACED_PATTERN).sum()
    return {
        "maximum_length": maximum_length or min(longest, MOST_CHARACTERS),
        "words": store_words(_collect_words(known)),
        "unspaced": unspaced > 0 and unspaced > known.str.count_matches(r"\p{L}").sum() / 2,
    }


def _collect_words(texts: pl.Series) -> set[str]:
    """The different words of all texts; parts between blanks are made unique first, which takes polars little time."""
    parts: set[str] = set()
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        some = texts.slice(start, TEXTS_AT_ONCE)
        parts.update(some.str.split(" ").explode().drop_nulls().unique())
    return collect_words(" ".join(parts))
