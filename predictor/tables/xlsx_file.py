"""Reads the one sheet of an .xlsx workbook: its cells become the texts that a CSV file of it would have."""

import tempfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import IO, Any

import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from predictor.exceptions import DatasetError
from predictor.schema.values import write_value
from predictor.tables.cells import Gaps, read_cells
from predictor.tables.content import Content
from predictor.tables.header import check_index, read_names
from predictor.tables.workbook import Oddities, unpack_workbook
from predictor.texts import list_names, take_first_line

# Cells are objects of Python only for so many rows at once.
ROWS = 10_000


def read_xlsx(content: Content, gaps: Gaps) -> pl.DataFrame:
    """Read the one sheet with values as if it had been saved as CSV; of a formula, its stored value.

    Raises DatasetError naming the file and the sheets, the cell or the column.
    """
    sheet, odd = open_sheet(content)
    if odd.first_error:
        raise DatasetError(f"{content.name}: {odd.first_error}.")
    rows = sheet.iter_rows()
    number, header = find_header(rows)
    table = _drop_blank(_read_rows(rows, len(header)), header)
    header = header[: table.width]
    place = f"{content.name}, row {number}"
    table.columns = read_names(place, header)
    read = read_cells(table, gaps)[0]
    if len(read):
        check_index(place, header, read)
    return read


def open_sheet(content: Content) -> tuple[CalamineSheet, Oddities]:
    """The only sheet with values, hidden ones included, in memory, and its cells with errors. Raises DatasetError."""
    with tempfile.NamedTemporaryFile(prefix="workbook-") as unpacked:
        return _find_sheet(content, unpacked)


def _find_sheet(content: Content, file: IO[bytes]) -> tuple[CalamineSheet, Oddities]:
    odd = unpack_workbook(content, file)
    file.flush()
    try:
        workbook = CalamineWorkbook.from_path(file.name)
        names = [each.name for each in workbook.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
        filled = [sheet for sheet in map(workbook.get_sheet_by_name, names) if sheet.start is not None]
    except (CalamineError, OSError, ValueError) as error:
        raise content.error(f"cannot be read as a workbook: {take_first_line(error).rstrip('.')}") from error
    if len(filled) > 1:
        sheets = f"has several sheets with values, {list_names([sheet.name for sheet in filled])}"
        raise content.error(f"{sheets}: keep the one with the table, and save the others elsewhere")
    if not filled:
        raise content.error("has no sheet with values")
    if odd.problem:
        raise DatasetError(f"{content.name}: {odd.problem}.")
    return filled[0], odd


def find_header(rows: Iterator[list[Any]]) -> tuple[int, list[str]]:
    """The first row with values, and its number."""
    header: list[str] = [""]
    for number, cells in enumerate(rows, start=1):
        header = [write_cell(cell) for cell in cells]
        if any(map(str.strip, header)):
            return number, header
    return 1, header


def _read_rows(rows: Iterator[list[Any]], width: int) -> pl.DataFrame:
    """The cells as texts; where a column also has dates with a time, all of its dates have one."""
    kinds: list[set[type]] = [set() for _ in range(width)]
    schema = {str(column): pl.String for column in range(width)}
    chunks = [pl.DataFrame(schema=schema)]
    while batch := list(islice(rows, ROWS)):
        columns = list(zip(*batch, strict=True))
        for found, cells in zip(kinds, columns, strict=True):
            found.update(map(type, cells))
        texts = [[write_cell(cell) for cell in cells] for cells in columns]
        chunks.append(pl.DataFrame(dict(zip(schema, texts, strict=True)), schema=schema))
    table = pl.concat(chunks)
    mixed = [str(column) for column, found in enumerate(kinds) if found >= {date, datetime}]
    return table.with_columns(pl.col(mixed).str.replace("^([0-9]{4}-[0-9]{2}-[0-9]{2})$", "${1}T00:00:00"))


def write_cell(cell: Any) -> str:
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(cell, timedelta(minutes=1))
        clock = time(second=seconds.seconds, microsecond=seconds.microseconds).isoformat()
        return f"{minutes // 60:02}{clock.replace('00:00', f':{minutes % 60:02}', 1)}"
    return write_value(cell)


def _drop_blank(table: pl.DataFrame, header: list[str]) -> pl.DataFrame:
    """Leave out columns after the last name that contain nothing but blanks."""
    width = table.width
    while width > 1 and not header[width - 1].strip() and not (table[:, width - 1].str.strip_chars() != "").any():
        width -= 1
    return table[:, :width]
