"""Reads a table part by part, its columns as they are in the file, so that the memory does not grow with it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import polars as pl

from predictor.exceptions import DatasetError
from predictor.schema.kinds import Boolean, Feature, Integer, Number
from predictor.tables.content import Content
from predictor.tables.csv_file import find_layout
from predictor.tables.csv_rows import Layout, Source, fit_row, read_rows
from predictor.tables.header import read_names
from predictor.tables.marks import find_format
from predictor.tables.missing import MISSING, MISSING_AMONG_NUMBERS
from predictor.tables.packing import open_content
from predictor.tables.table import READERS, write_column
from predictor.texts import take_first_line


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Some rows of a table; those without one value per column have a problem, by position."""

    frame: pl.DataFrame
    problems: dict[int, str] = field(default_factory=dict)

    def list_cells(self, feature: Feature) -> list[object]:
        """The cells of a feature's column for `schema.columnar`; what means missing in such a column is None."""
        cells, gaps = list_values(feature.name, self.frame[feature.name]), find_gaps(feature)
        # Most columns have none of them.
        return [None if cell in gaps else cell for cell in cells] if not gaps.isdisjoint(cells) else cells

    def __len__(self) -> int:
        return len(self.frame)


def find_gaps(feature: Feature) -> frozenset[object]:
    """The texts that mean missing in a column, as `read_cells` has it, except for choices."""
    among_numbers = MISSING_AMONG_NUMBERS if isinstance(feature, Number | Integer | Boolean) else []
    return frozenset({*MISSING, *among_numbers} - {"", *feature.choices})


def read_parts(file: Path, rows: int) -> tuple[dict[str, pl.DataType], Iterator[Part]]:
    """The columns of a table with their types, and its parts of at most so many rows; blank rows are left out.

    CSV that is plain UTF-8 and Parquet are read piece by piece; what is packed or in another encoding, JSON lines and
    workbooks need memory for all of it. Raises DatasetError naming the file and the line.
    """
    try:
        content = open_content(file)
        format = find_format(content)
        if format == "csv":
            return _read_csv(content, rows)
        if format == "parquet":
            return _read_parquet(content, rows)
        table = READERS[format](content, {})
    except OSError as error:
        raise DatasetError(f"{file} cannot be read: {error.strerror or error}.") from error
    return dict(table.schema), (Part(frame=frame) for frame in table.iter_slices(rows))


def list_values(name: str, series: pl.Series) -> list[object]:
    """The values of a column as CSV has them, dates as texts; NaN is missing."""
    written = write_column(Content(name="The table", file=Path("-")), name, series)
    return (written.fill_nan(None) if written.dtype.is_float() else written).to_list()


def _read_csv(content: Content, rows: int) -> tuple[dict[str, pl.DataType], Iterator[Part]]:
    source = Source.of(content)
    layout = find_layout(source)
    layout = Layout(
        separator=layout.separator,
        names=read_names(f"{content.name}, line 1", layout.names),
        nameless=layout.nameless,
    )
    return {name: pl.String() for name in layout.names}, _divide_csv(source, layout, rows)


def _divide_csv(source: Source, layout: Layout, rows: int) -> Iterator[Part]:
    numbered = read_rows(source, layout)
    next(numbered)
    # Most rows have a value in their first cell.
    filled = (each for each in numbered if any(each[1]) and (each[1][0].strip() or any(map(str.strip, each[1]))))
    while taken := list(islice(filled, rows)):
        yield _make_part(layout, taken)


def _make_part(layout: Layout, numbered: list[tuple[int, list[str]]]) -> Part:
    width, problems = len(layout.names), {}
    rows = [row for _, row in numbered]
    if set(map(len, rows)) != {width}:
        for position, (line, row) in enumerate(numbered):
            fitted = fit_row(row, layout)
            if len(fitted) != width:
                problems[position] = f"line {line}: {len(fitted)} values for {width} columns"
            rows[position] = (fitted + [""] * width)[:width]
    columns = zip(*rows, strict=True)
    series = [pl.Series(name, cells, pl.String) for name, cells in zip(layout.names, columns, strict=True)]
    return Part(frame=pl.DataFrame(series), problems=problems)


def _read_parquet(content: Content, rows: int) -> tuple[dict[str, pl.DataType], Iterator[Part]]:
    try:
        table = pl.scan_parquet(content.source, glob=False, hive_partitioning=False)
        columns = table.collect_schema()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _refuse_parquet(content, error) from error
    read_names(content.name, columns.names())
    for name, kind in columns.items():
        write_column(content, name, pl.Series(name, [], kind))
    return dict(columns), _divide_parquet(content, table, rows)


def _divide_parquet(content: Content, table: pl.LazyFrame, rows: int) -> Iterator[Part]:
    try:
        for batch in table.collect_batches(chunk_size=rows, maintain_order=True):
            yield from (Part(frame=frame) for frame in batch.iter_slices(rows) if len(frame))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _refuse_parquet(content, error) from error


def _refuse_parquet(content: Content, error: BaseException) -> DatasetError:
    return content.error(f"cannot be read as Parquet: {take_first_line(error).rstrip('.')}")
