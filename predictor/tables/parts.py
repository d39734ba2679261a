"""Reads a table part by part, its columns as they are in the file, so that the memory does not grow with it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count, takewhile
from pathlib import Path

import polars as pl
import polars.selectors as cs

from predictor.exceptions import DatasetError
from predictor.tables.content import Content
from predictor.tables.csv_parts import count_lines, make_plain, read_csv_table
from predictor.tables.header import read_names
from predictor.tables.json_lines import check_lines
from predictor.tables.marks import find_format
from predictor.tables.packing import open_content
from predictor.tables.parquet_footer import check_row_groups
from predictor.tables.part import MOST_BYTES_OF_A_PART, Part, Parts, limit_rows
from predictor.tables.places import BEGINNING, Place
from predictor.tables.table import write_column
from predictor.tables.xlsx_parts import read_sheet
from predictor.texts import take_first_line

# Of Parquet, several parts are decoded at once: each time, polars looks for its place in the row group.
PARTS_AT_ONCE = 5
ARE_BLANK = pl.all_horizontal(pl.all().is_null())


def read_parts(
    file: Path,
    rows: int,
    folder: Path,
    *,
    name: str = "",
    start: Place = BEGINNING,
    most_bytes_of_a_row_group: int | None = None,
) -> Parts:
    """Read the parts of a table, of at most so many rows, from a place on; blank rows are left out.

    What is packed or in another encoding is first written to `folder`; only of a workbook all cells are in memory.
    Errors call the file by `name`, else by its path. Raises DatasetError naming the file and the line, and
    LargeRowGroup.
    """
    try:
        content = open_content(file, folder, name)
        format = find_format(content)
        if format == "xlsx":
            return _read_workbook(content, rows, start)
        if format == "parquet":
            if most_bytes_of_a_row_group:
                check_row_groups(content, most_bytes_of_a_row_group)
            return _read_parquet(content, rows, start)
        return (read_csv_table if format == "csv" else _read_json_lines)(make_plain(content, folder), rows, start)
    except OSError as error:
        raise DatasetError(f"{name or file} cannot be read: {error.strerror or error}.") from error


def _number_parts(frames: Iterable[pl.DataFrame], start: Place) -> Iterator[Part]:
    rows = start.rows
    for frame in frames:
        rows += len(frame)
        yield Part(frame=frame, after=Place(rows=rows))


def _read_workbook(content: Content, rows: int, start: Place) -> Parts:
    sheet = read_sheet(content)
    columns = {name: column.dtype() for name, column in sheet.columns.items()}
    rows = limit_rows(rows, len(columns), 1, 1)
    return Parts("xlsx", columns, sheet.rows, _number_parts(sheet.read_frames(rows, start.rows), start))


def _read_json_lines(content: Content, rows: int, start: Place) -> Parts:
    total = count_lines(content)
    with _reading(content, "JSON lines", lambda: _check_json_lines(content)):
        columns = pl.scan_ndjson(content.file, infer_schema_length=None).collect_schema()
    check_columns(content, columns)
    table = pl.scan_ndjson(content.file, schema=columns).filter(~ARE_BLANK)
    rows = limit_rows(rows, len(columns), total, content.file.stat().st_size)
    return Parts("jsonl", dict(columns), total, _divide_json_lines(content, table, rows, start))


def _check_json_lines(content: Content) -> None:
    with content.open() as lines:
        check_lines(content, lines)


def _read_parquet(content: Content, rows: int, start: Place) -> Parts:
    with _reading(content, "Parquet"):
        table = pl.scan_parquet(content.file, glob=False, hive_partitioning=False)
        columns = table.collect_schema()
        total = table.select(pl.len()).collect().item()
    check_columns(content, columns)
    rows = limit_rows(rows, len(columns), total, content.file.stat().st_size)
    return Parts("parquet", dict(columns), total, _divide_parquet(content, table, rows, start))


def _divide_parquet(content: Content, table: pl.LazyFrame, rows: int, start: Place) -> Iterator[Part]:
    """Slice by slice, since polars would decode whole row groups ahead."""
    with _reading(content, "Parquet"):
        at_once = PARTS_AT_ONCE * rows
        slices = (table.slice(first, at_once).collect() for first in count(start.rows, at_once))
        filled = takewhile(len, slices)
        yield from _number_parts(
            (frame for each in filled for frame in each.iter_slices(_fit_texts(each, rows))), start
        )


def _fit_texts(frame: pl.DataFrame, rows: int) -> int:
    """So many rows, or fewer where texts are long: one that is repeated is there once, until it is written."""
    texts = frame.select((cs.string() | cs.categorical() | cs.enum()).cast(pl.String).str.len_bytes().cast(pl.UInt64))
    size = sum(texts.sum().row(0)) if texts.width else 0
    return max(1, min(rows, len(frame) * MOST_BYTES_OF_A_PART // max(1, size)))


def check_columns(content: Content, columns: Mapping[str, pl.DataType]) -> None:
    """Raise DatasetError for names and types that no table has."""
    read_names(content.name, list(columns))
    for name, kind in columns.items():
        write_column(content, name, pl.Series(name, [], kind))


def _divide_json_lines(content: Content, table: pl.LazyFrame, rows: int, start: Place) -> Iterator[Part]:
    with _reading(content, "JSON lines"):
        batches = table.slice(start.rows).collect_batches(chunk_size=rows, maintain_order=True)
        yield from _number_parts((frame for batch in batches for frame in batch.iter_slices(rows) if len(frame)), start)


@contextmanager
def _reading(content: Content, format: str, explain: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Turn errors of polars into DatasetError, unless `explain` raises a better one."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        explain()
        raise content.error(f"cannot be read as {format}: {take_first_line(error).rstrip('.')}") from error
