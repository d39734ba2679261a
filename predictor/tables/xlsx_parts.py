"""Reads the one sheet of an .xlsx workbook part by part: all of its cells are in memory, but no table of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

import polars as pl
from python_calamine import CalamineSheet

from predictor.tables.content import Content
from predictor.tables.header import read_names
from predictor.tables.workbook import Errors
from predictor.tables.xlsx_file import find_header, open_sheet, write_cell

# Larger ones have no exact float64.
LARGEST_WHOLE = 2**53


@dataclass(kw_only=True)
class Column:
    """What the cells of a column are; an empty one is ""."""

    kinds: set[type] = field(default_factory=set)
    is_whole: bool = True

    def look(self, cell: Any) -> None:
        if cell != "":
            self.kinds.add(type(cell))
            self.is_whole = self.is_whole and _is_whole(cell)

    @property
    def dtype(self) -> type[pl.DataType]:
        if self.kinds and self.kinds <= {int, float}:
            return pl.Int64 if self.is_whole else pl.Float64
        return pl.Boolean if self.kinds == {bool} else pl.String

    def choose_writer(self) -> Callable[[Any], Any]:
        """What makes a value of the column's type from a cell."""
        if self.dtype is pl.Int64:
            return lambda cell: None if cell == "" else int(cell)
        if self.dtype is not pl.String:
            return lambda cell: None if cell == "" else cell
        if self.kinds >= {date, datetime}:
            return _write_moment
        return write_cell


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A sheet with its errors, the columns under its header, and how many rows with values it has."""

    sheet: CalamineSheet
    errors: Errors
    first: int
    columns: dict[str, Column]
    rows: int

    def read_frames(self, rows: int, start: int) -> Iterator[pl.DataFrame]:
        """Frames of so many rows, once `start` are left out."""
        filled = islice(self._list_filled(), start, None)
        while taken := list(islice(filled, rows)):
            cells = zip(self.columns.items(), zip(*taken, strict=True), strict=True)
            yield pl.DataFrame(
                [pl.Series(name, map(column.choose_writer(), values), column.dtype) for (name, column), values in cells]
            )

    def _list_filled(self) -> Iterator[list[Any]]:
        for row in islice(_list_rows(self.sheet, self.errors), self.first, None):
            if not _is_blank(row):
                yield row[: len(self.columns)]


def read_sheet(content: Content) -> Sheet:
    """Look through the sheet once, for what its columns are. Raises DatasetError naming the file and the row."""
    sheet, odd = open_sheet(content)
    rows = _list_rows(sheet, odd.errors)
    number, header = find_header(rows)
    columns = [Column() for _ in header]
    count = 0
    for row in rows:
        if not _is_blank(row):
            count += 1
            for column, cell in zip(columns, row, strict=False):
                column.look(cell)
    width = len(header)
    while width > 1 and not header[width - 1].strip() and not columns[width - 1].kinds:
        width -= 1
    names = read_names(f"{content.name}, row {number}", header[:width])
    named = dict(zip(names, columns, strict=False))
    return Sheet(sheet=sheet, errors=odd.errors, first=number, columns=named, rows=count)


def _list_rows(sheet: CalamineSheet, errors: Errors) -> Iterator[list[Any]]:
    """All rows; a cell with an error, which the reader takes for empty, has its text, as in a CSV file of it."""
    left = (sheet.start or (0, 0))[1]
    for number, cells in enumerate(sheet.iter_rows()):
        for column, text in errors.get(number, {}).items():
            if left <= column < left + len(cells):
                cells[column - left] = text
        yield cells


def _is_whole(cell: Any) -> bool:
    return isinstance(cell, int | float) and float(cell).is_integer() and abs(cell) < LARGEST_WHOLE


def _is_blank(row: list[Any]) -> bool:
    return not any(cell.strip() if isinstance(cell, str) else True for cell in row)


def _write_moment(cell: Any) -> str:
    """A date as if it had a time, as others in its column."""
    return write_cell(datetime(cell.year, cell.month, cell.day)) if type(cell) is date else write_cell(cell)
