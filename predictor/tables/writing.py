"""Writes tables row by row, so that the memory does not grow with them: CSV, JSON lines, Parquet and .xlsx."""

import csv
import io
import json
import math
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from shutil import copyfileobj
from typing import Any, BinaryIO

from predictor.exceptions import ExportError
from predictor.formats import format_number
from predictor.numbers import LIKE_NUMBER_PATTERN
from predictor.tables.columns import TableColumn
from predictor.tables.missing import MISSING, MISSING_AMONG_NUMBERS
from predictor.texts import quote

Chunks = Iterable[list[list[Any]]]
# What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection").
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Numbers, also with a comma, and what means missing: a table that was written can be read again as it was.
NO_FORMULA_PATTERN = "|".join([LIKE_NUMBER_PATTERN, *map(re.escape, [*MISSING, *MISSING_AMONG_NUMBERS])])
NO_FORMULA = re.compile(NO_FORMULA_PATTERN)
ROWS_OF_A_PART = 20_000
# Of .xlsx, whose sheets have no more columns, and whose cells hold no more characters and no larger whole numbers.
MOST_ROWS, MOST_COLUMNS, MOST_CHARACTERS, LARGEST_WHOLE = 100_000, 16_384, 32_767, 2**53


def write_csv(columns: Sequence[TableColumn], chunks: Chunks, file: BinaryIO) -> None:
    """Write UTF-8 with a header; a missing value is an empty cell, and a text that looks like a formula is defused."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([defuse(column.name) for column in columns])
    for rows in chunks:
        writer.writerows([[_write_cell(cell) for cell in row] for row in rows])
    text.flush()
    text.detach()


def write_json_lines(columns: Sequence[TableColumn], chunks: Chunks, file: BinaryIO) -> None:
    """Write one object a line."""
    names = [column.name for column in columns]
    for rows in chunks:
        objects = (dict(zip(names, row, strict=True)) for row in rows)
        lines = (f"{json.dumps(each, ensure_ascii=False, default=_write_moment)}\n" for each in objects)
        file.write("".join(lines).encode())


def write_parquet(columns: Sequence[TableColumn], chunks: Chunks, file: BinaryIO) -> None:
    """Write parts of 20,000 rows on the disk, and then one file of them, since its index is at its end."""
    import polars as pl

    kinds = {
        "text": pl.String,
        "number": pl.Float64,
        "integer": pl.Int64,
        "boolean": pl.Boolean,
        "moment": pl.Datetime("us", "UTC"),
    }
    schema: dict[str, Any] = {column.name: kinds[column.kind] for column in columns}
    with tempfile.TemporaryDirectory() as folder:
        names = (Path(folder) / f"{number:06}.parquet" for number in count())
        part: list[list[Any]] = []

        def write_part() -> None:
            pl.DataFrame(part, schema=schema, orient="row").write_parquet(next(names))
            part.clear()

        for rows in chunks:
            part += rows
            if len(part) >= ROWS_OF_A_PART:
                write_part()
        write_part()
        joined = Path(folder) / "joined"
        pl.scan_parquet(Path(folder) / "*.parquet").sink_parquet(joined, row_group_size=ROWS_OF_A_PART)
        with joined.open("rb") as made:
            copyfileobj(made, file)


def write_xlsx(columns: Sequence[TableColumn], chunks: Chunks, file: BinaryIO, most: int | None = None) -> None:
    """Write a workbook of one sheet, its texts as texts. Raises ExportError where it has no room for them."""
    from xlsxwriter import Workbook

    with tempfile.TemporaryDirectory() as folder:
        book = Workbook(Path(folder) / "made.xlsx", {**XLSX, "tmpdir": folder})
        try:
            _fill_sheet(book.add_worksheet(), columns, chunks, MOST_ROWS if most is None else most)
        finally:
            book.close()
        with (Path(folder) / "made.xlsx").open("rb") as made:
            copyfileobj(made, file)


XLSX = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "remove_timezone": True,
    "default_date_format": "yyyy-mm-dd hh:mm:ss",
}
WRITERS: dict[str, Callable[[Sequence[TableColumn], Chunks, BinaryIO], None]] = {
    "csv": write_csv,
    "jsonl": write_json_lines,
    "parquet": write_parquet,
    "xlsx": write_xlsx,
}


class Exact(float):
    """A number of which all 17 digits are written, where xlsxwriter's format has 16."""

    def __format__(self, _: str) -> str:
        return repr(float(self))


def defuse(text: str) -> str:
    """A text with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULAS) and not NO_FORMULA.fullmatch(text) else text


def _write_cell(cell: Any) -> Any:
    if isinstance(cell, str):
        return defuse(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return _write_moment(cell) if isinstance(cell, datetime) else cell


def _write_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _fill_sheet(sheet: Any, columns: Sequence[TableColumn], chunks: Chunks, most: int) -> None:
    if len(columns) > MOST_COLUMNS:
        raise ExportError(
            f"A sheet has at most {format_number(MOST_COLUMNS)} columns, and this table {format_number(len(columns))}:"
            " choose CSV or Parquet."
        )
    for place, column in enumerate(columns):
        _write_xlsx_cell(sheet, 0, place, column, column.name)
    line = 0
    for rows in chunks:
        for row in rows:
            line += 1
            if line > most:
                raise ExportError(
                    f"{format_number(most)} rows are the most that are written as .xlsx: choose fewer by filters,"
                    " or export CSV or Parquet."
                )
            for place, (column, cell) in enumerate(zip(columns, row, strict=True)):
                _write_xlsx_cell(sheet, line, place, column, cell)


def _write_xlsx_cell(sheet: Any, line: int, place: int, column: TableColumn, cell: Any) -> None:
    if isinstance(cell, str):
        if len(cell) > MOST_CHARACTERS:
            cause = f"row {format_number(line)}" if line else "its name"
            raise ExportError(
                f"Column {quote(column.name)}, {cause}: a cell of .xlsx takes"
                f" {format_number(MOST_CHARACTERS)} characters: export CSV or Parquet."
            )
        sheet.write_string(line, place, cell)
    elif isinstance(cell, int) and abs(cell) > LARGEST_WHOLE:
        sheet.write_string(line, place, str(cell))
    elif isinstance(cell, datetime):
        sheet.write_datetime(line, place, cell.astimezone(UTC))
    elif isinstance(cell, float) and not math.isfinite(cell):
        sheet.write_string(line, place, str(cell))
    elif isinstance(cell, float):
        sheet.write_number(line, place, Exact(cell))
    elif cell is not None:
        sheet.write(line, place, cell)
