"""Reads the header of a table: the names of its columns."""

from collections import Counter

import polars as pl

from predictor.exceptions import DatasetError
from predictor.texts import is_storable, make_printable


def read_names(place: str, header: list[str]) -> list[str]:
    """Strip the columns' names; raises DatasetError where one is then empty or cannot be stored, or two are equal.

    A first column without a name gets the one that pandas gives; `check_index` then checks that it is an index.
    """
    names = [name.strip() for name in header]
    if names and not names[0]:
        names[0] = "Unnamed: 0" if "Unnamed: 0" not in names else "Unnamed: 0.1"
    counts = Counter(names)
    for number, name in enumerate(names, start=1):
        if not name:
            raise _refuse_nameless(place, number)
        if not is_storable(name):
            problem = f"the name {make_printable(name)} contains a character that databases cannot store"
            raise DatasetError(f"{place}: {problem}: rename column {number}.")
        if counts[name] > 1:
            raise DatasetError(f"{place}: two columns are named {name!r}: rename one of them.")
    return names


def check_index(place: str, header: list[str], table: pl.DataFrame) -> None:
    """Raise DatasetError where the first column has no name and is not an index: integers without a missing one."""
    index = table.to_series(0)
    if not header[0].strip() and (not index.dtype.is_integer() or index.null_count()):
        raise _refuse_nameless(place, 1)


def _refuse_nameless(place: str, number: int) -> DatasetError:
    return DatasetError(f"{place}: column {number} has no name: give it one, or remove the column.")
