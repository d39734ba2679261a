"""Infers a column's kind, or the target's task, from its values alone."""

from typing import cast

import polars as pl

from predictor.numbers import LARGEST_INTEGER, NUMBER_PATTERN
from predictor.schema.kinds import Kind, Task
from predictor.tables.cells import match_whole

MOST_CLASSES = 10
# The largest of many counts is rare however many rows there are; the rarest of many classes is not.
FEWEST_ROWS, SMALLEST_SHARE = 5, 0.01
FEW_TEXTS = 20
# Three words, each with a letter. Where a language has no blanks between words, the length shows that there are some.
WORDS_PATTERN = r"(?s)\p{L}.*?\s.*?\p{L}.*?\s.*?\p{L}"
UNSPACED_PATTERN = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
FEWEST_UNSPACED, WORDY_SHARE = 6, 0.5


def read_whole(series: pl.Series) -> pl.Series:
    """Turn a column of decimals that are all whole, as pandas writes whole numbers with gaps, into whole numbers.

    Whole numbers are those that float64 distinguishes from their neighbours: up to ±(2⁵³ − 1).
    """
    if not series.dtype.is_float() or series.null_count() == len(series):
        return series
    # Most columns of decimals show in their first rows that they are not whole.
    is_whole = all(_is_whole(rows).all() for rows in (series.head(1_000), series))
    return series.cast(pl.Int64) if is_whole else series


def infer_kind(series: pl.Series) -> Kind:
    """The kind of a column, inferred from its values."""
    if series.dtype == pl.String:
        return "text" if is_text(series) else "category"
    if series.dtype == pl.Boolean:
        return "boolean"
    return "integer" if series.dtype.is_integer() and find_misfit(series, "integer") is None else "number"


def is_text(series: pl.Series) -> bool:
    """Whether a column is text and not a category: it is free text, and at least half of its values have 3 words.

    Where a language has no blanks between words, such as Chinese, Japanese and Thai, 6 characters count as 3 words.
    """
    if not describe_free_text(series):
        return False
    present = series.drop_nulls()
    fewest = WORDY_SHARE * len(present)
    is_wordy = present.str.contains(WORDS_PATTERN)
    if is_wordy.sum() >= fewest:
        return True
    is_long = present.str.count_matches(UNSPACED_PATTERN) >= FEWEST_UNSPACED
    return int((is_wordy | is_long).sum()) >= fewest


def infer_task(series: pl.Series) -> Task:
    """The task of a target without missing values, inferred from them.

    Texts, booleans, and integers that are only 0 and 1 are classes. So are 3 to 10 consecutive integers from 0 or 1,
    where each has at least 5 rows and 1 % of all. All other numbers are quantities.
    """
    if not series.dtype.is_numeric():
        return "classification"
    if not series.dtype.is_integer():
        return "regression"
    low, high = cast(int, series.min()), cast(int, series.max())
    if low >= 0 and high <= 1:
        return "classification"
    if low not in (0, 1) or high - low >= MOST_CLASSES:
        return "regression"
    counts = series.value_counts()["count"].to_list()
    is_common = min(counts) >= max(FEWEST_ROWS, SMALLEST_SHARE * len(series))
    return "classification" if is_common and 3 <= len(counts) == high - low + 1 else "regression"


def describe_free_text(series: pl.Series) -> str:
    """Why a column is free text and not a category: more than 20 distinct texts, and more than half as many as rows.

    Empty where it is not.
    """
    if series.dtype != pl.String:
        return ""
    different, rows = series.drop_nulls().n_unique(), len(series) - series.null_count()
    if different <= FEW_TEXTS or different <= rows / 2:
        return ""
    return f"{different} different texts in {rows} rows are free text: as a category, pages would list them all"


def find_misfit(series: pl.Series, kind: Kind) -> object:
    """The first value that does not fit this kind; None where all do."""
    present = series.drop_nulls()
    if kind == "text":
        fits = None
    elif kind == "category":
        fits = _is_whole(present) if series.dtype.is_float() else None
    elif series.dtype == pl.String:
        fits = match_whole(present, NUMBER_PATTERN) & (kind != "boolean")
    elif kind == "boolean":
        fits = present.cast(pl.Float64).is_in([0.0, 1.0])
    else:
        fits = _is_whole(present) if kind == "integer" and series.dtype.is_numeric() else None
    misfits = present.clear() if fits is None else present.filter(~fits)
    return misfits[0] if len(misfits) else None


def _is_whole(numbers: pl.Series) -> pl.Series:
    # As floats, since columns without signs cannot be compared with negative numbers.
    is_near = numbers.cast(pl.Float64).abs() <= LARGEST_INTEGER
    return is_near & (numbers.floor() == numbers) if numbers.dtype.is_float() else is_near
