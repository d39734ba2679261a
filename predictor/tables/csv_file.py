"""Reads CSV files as spreadsheets and programs write them, and refuses ambiguous ones."""

import csv
import re
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

import polars as pl

from predictor.exceptions import DatasetError
from predictor.tables.cells import Gaps, are_codes, find_unclear, read_cells, select
from predictor.tables.content import Content
from predictor.tables.csv_rows import (
    SAMPLE_LINES,
    Layout,
    Source,
    check_rows,
    fit_row,
    has_leading_zeros,
    has_ragged_row,
    write_again,
)
from predictor.tables.header import check_index, read_names
from predictor.tables.missing import MISSING
from predictor.texts import take_first_line

# Excel's own, and what is made of it where it was a cell.
HINT = re.compile(r'"?sep=(.)"?[\t;|,]*', re.IGNORECASE)
# Where two fit every line, the first: the one that is rarer inside names and numbers.
SEPARATORS = "\t;|,"
SAMPLE_ROWS = 10_000
Options = dict[str, Any]


def read_csv(content: Content, gaps: Gaps) -> pl.DataFrame:
    """Read a CSV file, its columns named as in the file, numbers and booleans converted.

    UTF-8, UTF-16 with a byte order mark, or Windows-1252; separated by commas, semicolons, tabs or pipes. What `gaps`
    names is missing.
    Raises DatasetError naming the file and, where there is one, the line and the column.
    """
    source, layout = lay_out(content)
    if (source.has_quotes or layout.nameless) and check_rows(source, layout):
        source = write_again(source, layout)
    header, place = layout.names, f"{content.name}, line {1 + source.lines_before}"
    layout = Layout(separator=layout.separator, names=read_names(place, header))
    source, table = _parse_checked(source, layout)
    if not source.has_quotes and len(table) and table[:, -1].null_count() and has_ragged_row(source, layout):
        check_rows(source, layout)
    table, has_decimal_commas = read_cells(_restore_zeros(source, layout, table), gaps)
    if len(table):
        check_index(place, header, table)
    if has_decimal_commas:
        _check_points(source, layout, table)
    return table


def lay_out(content: Content) -> tuple[Source, Layout]:
    """A file from its header on, and its layout."""
    source = Source.of(content)
    layout = find_layout(source)
    return source.without_first_line() if layout.hint else source, layout


def find_layout(source: Source) -> Layout:
    """Find the separator that occurs equally often in the header and the first lines; in quotes, it does not count.

    Where there is none, the most frequent one in the header, so that the line which differs can be named. Blank cells
    after the last column do not count. A line such as `sep=;` before the header says it.
    """
    with source.open_lines() as stream:
        lines = list(islice(stream, SAMPLE_LINES))
    hint = HINT.fullmatch(lines[0].rstrip("\r\n")) if lines else None
    if hint:
        layout = _find_layout(source, lines[1:], hint[1] if hint[1] in SEPARATORS else SEPARATORS, 2)
        with source.open_bytes() as stream_of_bytes:
            return replace(layout, hint=len(stream_of_bytes.readline()))
    return _find_layout(source, lines, SEPARATORS, 1)


def _find_layout(source: Source, lines: list[str], separators: str, first: int) -> Layout:
    if not lines:
        raise source.error(first, "the file is empty: write the names of the columns there, and the rows below")
    if not lines[0].strip():
        raise source.error(first, "the first line is empty: write the names of the columns there")
    samples = {separator: _divide(lines, separator) for separator in separators}
    layouts = {separator: _name_columns(separator, rows[0]) for separator, rows in samples.items()}
    even = [layout for separator, layout in layouts.items() if _is_even(samples[separator], layout)]
    return even[0] if even else max(reversed(layouts.values()), key=lambda layout: len(layout.names))


def _name_columns(separator: str, header: list[str]) -> Layout:
    named = [number for number, name in enumerate(header, start=1) if name.strip()]
    width = named[-1] if named else len(header)
    return Layout(separator=separator, names=header[:width], nameless=len(header) - width)


def _is_even(rows: list[list[str]], layout: Layout) -> bool:
    width = len(layout.names)
    widths = {len(row) if len(row) == width + layout.nameless else len(fit_row(row, layout)) for row in rows}
    return width > 1 and widths <= {0, width, width + layout.nameless}


def _divide(lines: list[str], separator: str) -> list[list[str]]:
    """Split lines into rows without blank ones, up to the first that cannot be: a quote may continue below."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        for row in csv.reader(lines, delimiter=separator, strict=True):
            rows += [row] if row else []
    return rows or [[""]]


def _parse_checked(source: Source, layout: Layout) -> tuple[Source, pl.DataFrame]:
    """Parse the table, written again where polars refuses it for blank cells; any other error names the line."""
    try:
        try:
            return source, _parse(source, layout)
        except pl.exceptions.PolarsError:
            if not check_rows(source, layout):
                raise
            source = write_again(source, layout)
            return source, _parse(source, layout)
    except pl.exceptions.PolarsError as error:
        raise source.content.error(f"cannot be read as CSV: {take_first_line(error).rstrip('.')}") from error


def _parse(source: Source, layout: Layout) -> pl.DataFrame:
    """Let polars read the table.

    Types come from the first rows or, where that fails, from all. Looking for missing values takes a quarter of the
    time, so a table of numbers is first read without.
    """
    sampled: Options = {"infer_schema_length": SAMPLE_ROWS}
    careful: Options = {"null_values": MISSING}
    attempts = [sampled] if _begins_without_texts(source, layout) else []
    for options in [*attempts, sampled | careful]:
        with suppress(pl.exceptions.ComputeError):
            return _call_polars(source, layout, **options)
    return _call_polars(source, layout, infer_schema_length=None, **careful)


def _restore_zeros(source: Source, layout: Layout, table: pl.DataFrame) -> pl.DataFrame:
    """Read columns of whole numbers as texts where some have leading zeros, which polars drops."""
    whole = [name for name in table.columns if table[name].dtype.is_integer()]
    if not whole or not has_leading_zeros(source, layout):
        return table
    texts = _call_polars(source, layout, infer_schema=False, null_values=MISSING).select(select(whole))
    return table.with_columns(each for each in texts if are_codes(each.str.strip_chars().drop_nulls()))


def _begins_without_texts(source: Source, layout: Layout) -> bool:
    """Whether the first rows contain no texts; no where that is unknown, as polars failed in later rows."""
    with suppress(pl.exceptions.ComputeError):
        table = pl.scan_csv(source.data, separator=layout.separator, glob=False, infer_schema_length=SAMPLE_ROWS)
        return pl.String not in table.collect_schema().dtypes()
    return False


def _call_polars(source: Source, layout: Layout, **options: Any) -> pl.DataFrame:
    return pl.read_csv(source.data, separator=layout.separator, new_columns=layout.names, glob=False, **options)


def _check_points(source: Source, layout: Layout, table: pl.DataFrame) -> None:
    """Refuse "1.234" in a table with decimal commas: polars read as decimal a point that may separate thousands."""
    texts = _call_polars(source, layout, infer_schema=False, null_values=MISSING)
    for name in find_unclear(texts, [name for name in layout.names if table[name].dtype == pl.Float64], "."):
        slip = next(text for text in texts[name] if text and "." in text)
        problem = f"{slip!r} may be in thousands, since other columns have decimal commas: write it with a comma"
        raise DatasetError(f"{source.content.name}: column {name!r}: {problem}, or without a point.")
