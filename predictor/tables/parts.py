"""Reads a table part by part, its columns as they are in the file, so that the memory does not grow with it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count, islice, takewhile
from pathlib import Path
from typing import BinaryIO, NamedTuple

import polars as pl
import polars.selectors as cs

from predictor.exceptions import DatasetError
from predictor.schema.kinds import Boolean, Feature, Integer, Number
from predictor.tables.content import Content
from predictor.tables.csv_file import find_layout
from predictor.tables.csv_rows import Layout, Source, fit_row, read_rows
from predictor.tables.encoding import CHUNK, decode_into, is_plain
from predictor.tables.header import read_names
from predictor.tables.json_lines import check_lines
from predictor.tables.marks import Format, find_format
from predictor.tables.missing import MISSING, MISSING_AMONG_NUMBERS
from predictor.tables.packing import open_content
from predictor.tables.parquet_footer import check_row_groups
from predictor.tables.places import BEGINNING, Place, PlacedLines
from predictor.tables.plain_rows import read_plain_rows
from predictor.tables.series_cells import SeriesCells
from predictor.tables.table import write_column
from predictor.tables.xlsx_parts import read_sheet
from predictor.texts import take_first_line

# Cells are objects of Python for a while.
MOST_CELLS_OF_A_PART, MOST_BYTES_OF_A_PART = 100_000, 2 << 20
MOST_BYTES_OF_A_LINE = 4_000_000
# Of Parquet, several parts are decoded at once: each time, polars looks for its place in the row group.
PARTS_AT_ONCE = 5
ARE_BLANK = pl.all_horizontal(pl.all().is_null())


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
        return (_read_csv if format == "csv" else _read_json_lines)(make_plain(content, folder), rows, start)
    except OSError as error:
        raise DatasetError(f"{name or file} cannot be read: {error.strerror or error}.") from error


def make_plain(content: Content, folder: Path) -> Content:
    """A text as UTF-8 on the disk, where it is not."""
    if is_plain(content)[0]:
        return content
    decoded = folder / "decoded"
    decode_into(content, decoded)
    return replace(content, file=decoded, unpacked=None)


def _limit_rows(rows: int, columns: int, of: int, size: int) -> int:
    """So many rows, or fewer where they are long: of a file of `size` bytes and `of` rows."""
    return max(1, min(rows, MOST_CELLS_OF_A_PART // max(1, columns), MOST_BYTES_OF_A_PART * max(1, of) // max(1, size)))


def _number_parts(frames: Iterable[pl.DataFrame], start: Place) -> Iterator[Part]:
    rows = start.rows
    for frame in frames:
        rows += len(frame)
        yield Part(frame=frame, after=Place(rows=rows))


def _count_lines(content: Content) -> int:
    """How many lines a text has. Raises DatasetError for one that is too long to be read."""
    lines, length = 1, 0
    with content.open() as stream:
        while chunk := stream.read(CHUNK):
            ends = chunk.count(b"\n")
            # Of the line that goes on in the next chunk.
            length = len(chunk) - chunk.rfind(b"\n") - 1 if ends else length + len(chunk)
            lines += ends
            if length > MOST_BYTES_OF_A_LINE:
                limit = f"{MOST_BYTES_OF_A_LINE // 1_000_000} MB"
                raise content.error(
                    f"the line is longer than {limit}, the limit: perhaps line ends are missing", line=lines
                )
    return lines


def write_plainly(name: str, series: pl.Series) -> pl.Series:
    """A column as CSV has it, dates as texts; NaN is missing."""
    written = write_column(Content(name="The table", file=Path("-")), name, series)
    return written.fill_nan(None) if written.dtype.is_float() else written


def _read_csv(content: Content, rows: int, start: Place) -> Parts:
    total = _count_lines(content) - 1
    source, layout = lay_out_csv(content)
    columns: dict[str, pl.DataType] = {name: pl.String() for name in layout.names}
    rows = _limit_rows(rows, len(columns), total, content.file.stat().st_size)
    return Parts("csv", columns, total, read_csv_parts(source, layout, rows, start))


def lay_out_csv(content: Content) -> tuple[Source, Layout]:
    """Plain CSV, and its layout with the names of its columns as errors and outputs have them."""
    # Where there may be a quote is asked by readers of a whole file alone.
    source = Source(content=content, text=None, has_quotes=True)
    layout = find_layout(source)
    return source, replace(layout, names=read_names(f"{content.name}, line 1", layout.names))


def read_csv_parts(source: Source, layout: Layout, rows: int, start: Place) -> Iterator[Part]:
    """The parts of plain CSV, from a place on."""
    place = start if start.byte else _skip_header(source, layout)
    with source.content.open() as stream:
        while lines := _read_lines(stream, place, rows):
            most = lines.count(b"\n") + (not lines.endswith(b"\n"))
            frame = read_plain_rows(lines, layout)
            if frame is not None:
                after = Place(rows=place.rows + len(frame), byte=place.byte + len(lines), line=place.line + len(frame))
                part = Part(frame=frame, after=after)
            else:
                part = _read_with_care(source, layout, most, place)
            place = part.after
            if len(part):
                yield part


def _skip_header(source: Source, layout: Layout) -> Place:
    lines = PlacedLines(source.content, BEGINNING)
    next(read_rows(source, layout, lines))
    return Place(byte=lines.byte, line=lines.line)


def _read_lines(stream: BinaryIO, place: Place, most: int) -> bytes:
    """The next lines: up to so many, and fewer where these are longer than most are."""
    while True:
        stream.seek(place.byte)
        lines = b"".join(islice(stream, most))
        if len(lines) <= MOST_BYTES_OF_A_PART or most == 1:
            return lines
        most //= 2


def _read_with_care(source: Source, layout: Layout, rows: int, place: Place) -> Part:
    lines = PlacedLines(source.content, place)
    # Most rows have a value in their first cell.
    filled = (
        each
        for each in read_rows(source, layout, lines)
        if any(each[1]) and (each[1][0].strip() or any(map(str.strip, each[1])))
    )
    taken = list(islice(filled, rows))
    return _make_part(layout, taken, Place(rows=place.rows + len(taken), byte=lines.byte, line=lines.line))


def _make_part(layout: Layout, numbered: list[tuple[int, list[str]]], after: Place) -> Part:
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
    return Part(frame=pl.DataFrame(series), after=after, problems=problems)


def _read_workbook(content: Content, rows: int, start: Place) -> Parts:
    sheet = read_sheet(content)
    columns = {name: column.dtype() for name, column in sheet.columns.items()}
    rows = _limit_rows(rows, len(columns), 1, 1)
    return Parts("xlsx", columns, sheet.rows, _number_parts(sheet.read_frames(rows, start.rows), start))


def _read_json_lines(content: Content, rows: int, start: Place) -> Parts:
    total = _count_lines(content)
    with _reading(content, "JSON lines", lambda: _check_json_lines(content)):
        columns = pl.scan_ndjson(content.file, infer_schema_length=None).collect_schema()
    check_columns(content, columns)
    table = pl.scan_ndjson(content.file, schema=columns).filter(~ARE_BLANK)
    rows = _limit_rows(rows, len(columns), total, content.file.stat().st_size)
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
    rows = _limit_rows(rows, len(columns), total, content.file.stat().st_size)
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
