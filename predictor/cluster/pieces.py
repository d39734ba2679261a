"""Divides a table into pieces, each of which a worker reads by itself: records of CSV, or rows of another table."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Self

import polars as pl

from predictor.cluster.shared_file import SharedFile
from predictor.exceptions import DatasetError
from predictor.formats import format_number
from predictor.tables.content import Content
from predictor.tables.csv_parts import lay_out_csv, make_plain, read_csv_parts
from predictor.tables.csv_pieces import divide_csv
from predictor.tables.csv_rows import Layout, Source
from predictor.tables.marks import find_format
from predictor.tables.packing import open_content
from predictor.tables.part import Part
from predictor.tables.parts import read_parts
from predictor.tables.places import BEGINNING, Place

# For each a round trip is made; all workers should have some.
LEAST_BYTES, MOST_BYTES = 1 << 18, 1 << 22
LEAST_ROWS, MOST_ROWS = 10_000, 100_000
PIECES = 64
BYTES_OF_A_ROW = 20
ROWS_AT_ONCE = 4_000


class PieceStream(io.BytesIO):
    """The bytes of a file from `start` on, found by their places in the file."""

    def __init__(self, data: bytes, start: int) -> None:
        super().__init__(data)
        self._start = start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return super().seek(offset - self._start if whence == os.SEEK_SET else offset, whence) + self._start


@dataclass(frozen=True, kw_only=True)
class PieceContent(Content):
    """The bytes of a file from `start` on; reading begins with the first of them."""

    start: int

    def open(self) -> BinaryIO:
        return PieceStream(self.unpacked or b"", self.start)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some rows of the table `name`: CSV, which has a `layout`, or else Arrow; where a `file` is shared, no data.

    `start` and `stop` count the bytes of CSV, also where it had to be decoded, and the rows of other tables, from 0 on.
    CSV also has its first line, from 1 on, and so many lines.
    """

    name: str
    number: int
    start: int
    stop: int
    data: bytes = field(repr=False)
    layout: Layout | None = None
    line: int = 1
    lines: int = 0
    file: SharedFile | None = None

    @property
    def place(self) -> str:
        """Where it is in the table, for people."""
        if self.layout is None:
            return f"rows {format_number(self.start + 1)} to {format_number(self.stop)}"
        return f"from line {format_number(self.line)}, bytes {self.start} to {self.stop}"

    def find_after(self, rows: int) -> Place:
        """The place after it, before which the table has so many rows."""
        return (
            Place(rows=rows) if self.layout is None else Place(rows=rows, byte=self.stop, line=self.line + self.lines)
        )

    def read(self) -> Iterator[Part]:
        """Its rows, part by part. Raises DatasetError naming the table and the line."""
        if self.layout is None:
            if self.file is None:
                table = pl.read_ipc(io.BytesIO(self.data))
            else:
                table = self.file.read_rows(self.start, self.stop)
            return (Part(frame=frame) for frame in table.iter_slices(ROWS_AT_ONCE))
        data = self.file.read_bytes(self.start, self.stop) if self.file else self.data
        content = PieceContent(name=self.name, file=Path("-"), unpacked=data, start=self.start)
        source = Source(content=content, text=None, has_quotes=True, lines_before=self.line - 1)
        return read_csv_parts(source, self.layout, ROWS_AT_ONCE, Place(byte=self.start, line=self.line))


@dataclass(frozen=True, kw_only=True, eq=False)
class Divided:
    """A table's columns, and its pieces in their order; `unit` is what their places count: bytes or rows."""

    columns: list[str]
    unit: str
    pieces: Iterator[Piece]


@dataclass(frozen=True, kw_only=True)
class PieceSize:
    """About how many bytes of CSV are a piece, or how many rows of another table."""

    bytes: int
    rows: int

    @classmethod
    def of(cls, file: Path) -> Self:
        """Of a 64th of a file, within limits."""
        bytes = file.stat().st_size // PIECES
        # Of some bytes, which rows of other tables have packed.
        rows = bytes // BYTES_OF_A_ROW
        return cls(bytes=_limit(bytes, LEAST_BYTES, MOST_BYTES), rows=_limit(rows, LEAST_ROWS, MOST_ROWS))


def _limit(number: int, least: int, most: int) -> int:
    return min(most, max(least, number))


def divide(
    file: Path,
    folder: Path,
    *,
    name: str = "",
    start: Place = BEGINNING,
    size: PieceSize | None = None,
    is_shared: bool = False,
) -> Divided:
    """Divide a table, from a place on; as for `read_parts`. Raises DatasetError naming the file and the line.

    Where `is_shared`, pieces of Parquet and of plain CSV have no data: workers read the file at its own path.
    """
    try:
        size = size or PieceSize.of(file)
        content = open_content(file, folder, name)
        if find_format(content) == "csv":
            plain = make_plain(content, folder)
            _, layout = lay_out_csv(plain)
            pieces = _divide_csv(plain, layout, size.bytes, start)
            shared = SharedFile.of(file) if is_shared and plain.file == file else None
            return Divided(columns=layout.names, unit="bytes", pieces=_share(pieces, shared))
    except OSError as error:
        raise DatasetError(f"{name or file} cannot be read: {error.strerror or error}.") from error
    format, columns, rows, parts = read_parts(file, size.rows, folder, name=name, start=start)
    if is_shared and format == "parquet" and content.file == file:
        pieces = _number_rows(content.name, range(start.rows, rows, size.rows), rows)
        return Divided(columns=list(columns), unit="rows", pieces=_share(pieces, SharedFile.of(file)))
    return Divided(columns=list(columns), unit="rows", pieces=_divide_rows(content.name, parts))


def _number_rows(name: str, starts: range, rows: int) -> Iterator[Piece]:
    for number, start in enumerate(starts):
        yield Piece(name=name, number=number, start=start, stop=min(start + starts.step, rows), data=b"")


def _share(pieces: Iterator[Piece], file: SharedFile | None) -> Iterator[Piece]:
    return pieces if file is None else (replace(piece, data=b"", file=file) for piece in pieces)


def _divide_csv(content: Content, layout: Layout, size: int, start: Place) -> Iterator[Piece]:
    for number, piece in enumerate(divide_csv(content, layout.separator, size, start)):
        yield Piece(
            name=content.name,
            number=number,
            start=piece.byte,
            stop=piece.byte + len(piece.data),
            data=piece.data,
            layout=layout,
            line=piece.line,
            lines=piece.lines,
        )


def _divide_rows(name: str, parts: Iterator[Part]) -> Iterator[Piece]:
    for number, part in enumerate(parts):
        written = io.BytesIO()
        part.frame.write_ipc(written, compression="lz4")
        stop = part.after.rows
        yield Piece(name=name, number=number, start=stop - len(part), stop=stop, data=written.getvalue())
