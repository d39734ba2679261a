"""A part of a table: some of its rows, their columns as they are in the file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from predictor.schema.kinds import Boolean, Feature, Integer, Number
from predictor.tables.content import Content
from predictor.tables.marks import Format
from predictor.tables.missing import MISSING, MISSING_AMONG_NUMBERS
from predictor.tables.places import BEGINNING, Place
from predictor.tables.series_cells import SeriesCells
from predictor.tables.table import write_column

# Cells are objects of Python for a while.
MOST_CELLS_OF_A_PART, MOST_BYTES_OF_A_PART = 100_000, 2 << 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Some rows of a table, with the place after them; those without a value per column have a problem, by position."""

    frame: pl.DataFrame
    after: Place = BEGINNING
    problems: dict[int, str] = field(default_factory=dict)

    def get_cells(self, feature: Feature) -> SeriesCells:
        """The cells of a feature's column for `schema.columnar`; what means missing in such a column is None."""
        series = write_plainly(feature.name, self.frame[feature.name])
        return SeriesCells(series, find_gaps(feature))

    def __len__(self) -> int:
        return len(self.frame)


def find_gaps(feature: Feature) -> frozenset[object]:
    """The texts that mean missing in a column, as `read_cells` has it, except for choices."""
    among_numbers = MISSING_AMONG_NUMBERS if isinstance(feature, Number | Integer | Boolean) else []
    return frozenset({*MISSING, *among_numbers} - {"", *feature.choices})


class Parts(NamedTuple):
    """A table in parts: its columns with their types, how many rows there are at most, and the parts."""

    format: Format
    columns: dict[str, pl.DataType]
    rows: int
    parts: Iterator[Part]


def write_plainly(name: str, series: pl.Series) -> pl.Series:
    """A column as CSV has it, dates as texts; NaN is missing."""
    written = write_column(Content(name="The table", file=Path("-")), name, series)
    return written.fill_nan(None) if written.dtype.is_float() else written


def limit_rows(rows: int, columns: int, of: int, size: int) -> int:
    """So many rows, or fewer where they are long: of a file of `size` bytes and `of` rows."""
    return max(1, min(rows, MOST_CELLS_OF_A_PART // max(1, columns), MOST_BYTES_OF_A_PART * max(1, of) // max(1, size)))
