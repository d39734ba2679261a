"""Reads CSV part by part: plain lines all at once, and others row by row."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import polars as pl

from predictor.formats import write_count
from predictor.tables.content import Content
from predictor.tables.csv_file import find_layout
from predictor.tables.csv_rows import Layout, Source, fit_row, read_rows
from predictor.tables.encoding import CHUNK, decode_into, is_plain
from predictor.tables.header import read_names
from predictor.tables.part import MOST_BYTES_OF_A_PART, Part, Parts, limit_rows
from predictor.tables.places import BEGINNING, Place, PlacedLines
from predictor.tables.plain_rows import read_plain_rows

MOST_BYTES_OF_A_LINE = 4_000_000


def read_csv_table(content: Content, rows: int, start: Place) -> Parts:
    lines = count_lines(content)
    source, layout = lay_out_csv(content)
    total = lines - (2 if layout.hint else 1)
    columns: dict[str, pl.DataType] = {name: pl.String() for name in layout.names}
    rows = limit_rows(rows, len(columns), total, content.file.stat().st_size)
    return Parts("csv", columns, total, read_csv_parts(source, layout, rows, start))


def lay_out_csv(content: Content) -> tuple[Source, Layout]:
    """Plain CSV, and its layout with the names of its columns as errors and outputs have them."""
    # Where there may be a quote is asked by readers of a whole file alone.
    source = Source(content=content, text=None, has_quotes=True)
    layout = find_layout(source)
    return source, replace(layout, names=read_names(f"{content.name}, line {2 if layout.hint else 1}", layout.names))


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
    lines = PlacedLines(source.content, Place(byte=layout.hint, line=2) if layout.hint else BEGINNING)
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
                problems[position] = (
                    f"line {line}: {write_count(len(fitted), 'value')} for {write_count(width, 'column')}"
                )
            rows[position] = (fitted + [""] * width)[:width]
    columns = list(zip(*rows, strict=True)) or [()] * width
    series = [pl.Series(name, cells, pl.String) for name, cells in zip(layout.names, columns, strict=True)]
    return Part(frame=pl.DataFrame(series), after=after, problems=problems)


def make_plain(content: Content, folder: Path) -> Content:
    """A text as UTF-8 on the disk, where it is not."""
    if is_plain(content)[0]:
        return content
    decoded = folder / "decoded"
    decode_into(content, decoded)
    return replace(content, file=decoded, unpacked=None)


def count_lines(content: Content) -> int:
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
    return lines if length else lines - 1
