"""Recognises the columns that `pandas.get_dummies` made of one column of categories, and makes them of its codes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder

from predictor.exceptions import DatasetError
from predictor.texts import list_names
from predictor.training.kinds import read_whole

# What get_dummies calls the column of the missing values.
MISSING = "nan"


@dataclass(frozen=True, kw_only=True)
class Dummies:
    """The columns that an estimator has for the categories of one column, in their order.

    `made` gives the category of each, None for the one of missing values. `choices` are all categories, also the
    one without a column.
    """

    made: Mapping[str, str | None]
    choices: tuple[str, ...]


def match_dummies(
    sample: Path,
    table: pl.DataFrame,
    names: Sequence[str],
    dropped: Mapping[str, str],
    prefixes: Mapping[str, str],
) -> dict[str, Dummies]:
    """The columns of a sample without its target whose categories are columns of their own among `names`.

    Empty where they are not, or not all of them are. `dropped` gives the category without a column of its own, and
    `prefixes` what stands before each category, where that is not the column's name and "_". Raises DatasetError for a
    category of the sample that may be that one, for a name that fits two columns, and for a prefix that is not given.
    """
    values = {name: _list_values(table[name]) for name in table.columns if name not in set(names)}
    others = [name for name in names if name not in table.columns]
    made = _match_names(sample, others, values, prefixes)
    is_made = sum(map(len, made.values())) == len(others)
    if not is_made:
        _ask_prefix(sample, values, others)
    if not is_made or any(not values[column] & {*map(str, each.values())} for column, each in made.items()):
        return {}
    return {
        column: Dummies(made=each, choices=_find_choices(sample, column, each, values[column], dropped.get(column)))
        for column, each in made.items()
    }


def _match_names(
    sample: Path, names: Sequence[str], values: Mapping[str, set[str]], prefixes: Mapping[str, str]
) -> dict[str, dict[str, str | None]]:
    """By column, the names that are made of it, each with its category; None for that of the missing values."""
    before = {column: prefixes.get(column, f"{column}_") for column in values}
    made: dict[str, dict[str, str | None]] = {}
    for name in names:
        fitting = {column: name.removeprefix(prefix) for column, prefix in before.items() if name.startswith(prefix)}
        seen = {column: category for column, category in fitting.items() if category in values[column]}
        # Each name begins with an empty prefix.
        found = seen or {column: category for column, category in fitting.items() if before[column]} or fitting
        if len(found) > 1:
            raise DatasetError(
                f"{sample}: the model's column {name!r} may be a category of {list_names([*found])}: rename one of them"
            )
        for column, category in found.items():
            is_missing = category == MISSING and category not in values[column]
            made.setdefault(column, {})[name] = None if is_missing else _write(category)
    return made


def _ask_prefix(sample: Path, values: Mapping[str, set[str]], names: Sequence[str]) -> None:
    """Raise DatasetError where the names end with the values of a column, but for one that drop_first may leave out."""
    for column, known in values.items():
        starts = (name.removesuffix(value) for name in names for value in known if value and name.endswith(value))
        prefix, count = next(iter(Counter(starts).most_common(1)), ("", 0))
        if count >= max(2, len(known) - 1) and prefix != f"{column}_":
            raise DatasetError(
                f"{sample}: the model was fitted on other columns, such as {names[0]!r}; if get_dummies made them of"
                f' {column!r}, add --dummies "{column}={prefix}".'
            )


def name_dummies(table: pl.DataFrame) -> list[str]:
    """What `get_dummies` calls the columns that it makes of a table's texts."""
    return [f"{series.name}_{value}" for series in table if series.dtype == pl.String for value in _list_values(series)]


def _find_choices(
    sample: Path, column: str, made: Mapping[str, str | None], values: set[str], dropped: str | None
) -> tuple[str, ...]:
    own = [category for category in made.values() if category is not None]
    lacking = sorted(values - {*own})
    if lacking and lacking != [dropped]:
        first = next(each for each in lacking if each != dropped)
        what_to_do = "take its rows out of the sample"
        if dropped is None and len(lacking) == 1:
            what_to_do = (
                f'if drop_first left it out, add --dropped "{column}={first}"; if the model never saw it, {what_to_do}'
            )
        raise DatasetError(
            f"{sample}: {column}: the model has a column for each of {list_names(own)}, and none for {first!r}:"
            f" {what_to_do}."
        )
    return tuple(own) if dropped is None or dropped in own else (dropped, *own)


def _list_values(series: pl.Series) -> set[str]:
    return {_write(text) for text in read_whole(series).drop_nulls().unique().cast(pl.String).to_list()}


def _write(category: str) -> str:
    """A category as the schema writes it: pandas has 1.0 for a whole number in a column with gaps."""
    whole = category.removesuffix(".0")
    return whole if whole.isdecimal() else category


def expand_dummies(
    columns: Sequence[str], dummies: Mapping[str, Dummies], names: Sequence[str], rows: int = 2
) -> ColumnTransformer:
    """A fitted step that turns a matrix of shape (n, columns), with codes of choices, into the estimator's `names`.

    A missing value is in none of them, unless one is made for it.
    """
    places = [_find_place(columns, dummies, name) for name in names]
    runs: list[list[tuple[int, float | None]]] = []
    for place in places:
        if runs and _continues(runs[-1][-1], place):
            runs[-1].append(place)
        else:
            runs.append([place])
    steps = [(f"{number}", _make_step(run), _take_positions(run)) for number, run in enumerate(runs)]
    return ColumnTransformer(steps, sparse_threshold=0).fit(np.zeros((rows, len(columns))))


def _find_place(columns: Sequence[str], dummies: Mapping[str, Dummies], name: str) -> tuple[int, float | None]:
    """The position of a column and the code of its category; None where it is passed on as it is."""
    for column, each in dummies.items():
        if name in each.made:
            category = each.made[name]
            return columns.index(column), np.nan if category is None else float(each.choices.index(category))
    return columns.index(name), None


def _continues(former: tuple[int, float | None], place: tuple[int, float | None]) -> bool:
    """Whether one step can make both: they are both passed on, or categories of one column in ascending order."""
    (column, code), (next_column, next_code) = former, place
    if code is None or next_code is None:
        return code is next_code
    return column == next_column and (code < next_code or bool(np.isnan(next_code)))


def _make_step(run: Sequence[tuple[int, float | None]]) -> OneHotEncoder | str:
    codes = [code for _, code in run]
    if None in codes:
        return "passthrough"
    return OneHotEncoder(categories=[np.array(codes, dtype=float)], handle_unknown="ignore", sparse_output=False)


def _take_positions(run: Sequence[tuple[int, float | None]]) -> list[int]:
    return list(dict.fromkeys(position for position, _ in run))
