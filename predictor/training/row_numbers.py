"""Recognises columns that only number the rows, such as the index that `df.to_csv()` writes first."""

import re

import polars as pl

from predictor.training.kinds import read_whole

# What pandas calls a column without a name, and the names of a row's number or name in pandas, R and databases.
UNNAMED = re.compile(r"unnamed: 0(\.\d+)*", re.IGNORECASE)
INDEX = re.compile(r"index|__index_level_\d+__|level_0|row[ _.]?(names?|numbers?|num|id)", re.IGNORECASE)
FEW_ROWS = 30


def find_row_numbers(table: pl.DataFrame, target: str) -> list[str]:
    """List the columns that only identify the row; never all of the columns other than the target.

    These contain integers and no missing value: a column that pandas calls unnamed; one that is named as an index,
    where they (or its texts) are unique; and the first column, whatever its name, where they are consecutive from 0
    or 1, and there are at least 30. `table` has all its rows, also those without a target.
    """
    features = [name for name in table.columns if name != target]
    found = [name for name in features if _is_row_number(table[name], is_first=name == table.columns[0])]
    return found if len(found) < len(features) else []


def _is_row_number(series: pl.Series, *, is_first: bool) -> bool:
    whole = read_whole(series)
    is_number = whole.dtype.is_integer()
    if whole.null_count() or not (is_number or whole.dtype == pl.String):
        return False
    if UNNAMED.fullmatch(series.name) and is_number:
        return True
    if UNNAMED.fullmatch(series.name) or INDEX.fullmatch(series.name):
        return whole.n_unique() == len(whole)
    counts = is_first and is_number and len(whole) >= FEW_ROWS and whole[0] in (0, 1)
    return counts and bool((whole.diff().drop_nulls() == 1).all())
