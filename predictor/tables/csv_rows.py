"""Checks that every row of a CSV file has one value per column, and names the line and column where not."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np

from predictor.exceptions import DatasetError
from predictor.formats import write_count
from predictor.tables.content import Content
from predictor.tables.encoding import is_plain, read_text
from predictor.tables.places import PlacedLines

EXAMPLE = '"a ""quoted"", divided text"'
SAMPLE_LINES = 100
CHUNK = 1 << 24
# A quoted text may be as long as a line; Python's own limit is 131,072 characters.
csv.field_size_limit(4_000_000)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A CSV file: its `content` where that is plain UTF-8, otherwise the decoded `text`.

    `lines_before` are those of the file before it: of a piece of a file, or of a text without its first line.
    """

    content: Content
    text: str | None
    has_quotes: bool
    lines_before: int = 0

    @classmethod
    def of(cls, content: Content) -> "Source":
        """Raises DatasetError for binary content, and for damaged text."""
        plain, has_quotes = is_plain(content)
        return cls(content=content, text=None if plain else read_text(content), has_quotes=has_quotes)

    def open_lines(self) -> TextIO:
        if self.text is None:
            return io.TextIOWrapper(self.content.open(), encoding="utf-8-sig", newline="")
        return io.StringIO(self.text, newline="")

    def without_first_line(self) -> "Source":
        with self.open_lines() as lines:
            next(lines)
            return replace(self, text=lines.read(), lines_before=1)

    @cached_property
    def data(self) -> Path | bytes:
        return self.content.source if self.text is None else self.text.encode()

    def open_bytes(self) -> BinaryIO:
        return self.content.open() if self.text is None else io.BytesIO(self.text.encode())

    def error(self, line: int, problem: str) -> DatasetError:
        return self.content.error(problem, line=line)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The format of a CSV file: its separator, its columns' names, and how many columns without one come last.

    `hint` is the length in bytes of a line such as `sep=;` before the header, which tells Excel the separator; 0
    where there is none.
    """

    separator: str
    names: list[str]
    nameless: int = 0
    hint: int = 0


def check_rows(source: Source, layout: Layout) -> bool:
    """Refuse the first row without one value per column, naming its line.

    Return whether polars needs the rows written again: a value contains a quote, or a row has more cells, all blank.
    """
    is_odd = layout.nameless > 0
    for line, row in read_rows(source, layout):
        fitted = fit_row(row, layout)
        if fitted and len(fitted) != len(layout.names):
            raise source.error(*_describe_ragged(layout, line, row))
        is_odd = is_odd or len(fitted) != len(row) or '"' in "".join(row)
    return is_odd


def fit_row(row: list[str], layout: Layout) -> list[str]:
    """The row without blank cells after the last column, which spreadsheets save; empty where all cells are blank."""
    width = len(layout.names)
    if len(row) != width and not any(cell.strip() for cell in row[width:]):
        return row[:width] if any(cell.strip() for cell in row) else []
    return row


def read_rows(source: Source, layout: Layout, lines: PlacedLines | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield each row, the header too, or those of `lines`, with the number of its first line.

    Raises DatasetError naming the line and the column of a value that cannot be read.
    """
    first = line = 1 + source.lines_before if lines is None else lines.line
    try:
        with lines or source.open_lines() as stream:
            reader = csv.reader(stream, delimiter=layout.separator, strict=True)
            for row in reader:
                yield line, row
                line = first + reader.line_num
    except csv.Error as error:
        number = _find_column(source, layout, line - 1 - source.lines_before)
        name = layout.names[number - 1] if line > 1 and number <= len(layout.names) else str(number)
        problem = f"{error}; write a text with a separator or a quote as {EXAMPLE}"
        raise source.error(line, f"column {name!r}: {problem}") from error


def _describe_ragged(layout: Layout, line: int, row: list[str]) -> tuple[int, str]:
    """The line to correct, and what is wrong with it."""
    names = layout.names
    counts = f"{write_count(len(row), 'value')} for {write_count(len(names), 'column')}"
    if len(row) < len(names):
        return line, f"{counts}, none for {names[len(row)]!r}: write an empty value where one is missing"
    surplus = next(number for number, cell in enumerate(row[len(names) :]) if cell.strip())
    if surplus < layout.nameless:
        return 1, f"column {len(names) + surplus + 1} has no name: give it one, or remove the column"
    text = f"{row[len(names)]!r} comes after the last, {names[-1]!r}"
    return line, f"{counts}: {text}; write a text with a separator as {EXAMPLE}"


def _find_column(source: Source, layout: Layout, start: int) -> int:
    """Count the values before the one that cannot be read, in the row that begins after line `start`."""
    with source.open_lines() as stream:
        record = "".join(islice(stream, start, start + SAMPLE_LINES))
    separator = re.escape(layout.separator)
    value = re.compile(rf'(?:"(?:[^"]|"")*+"|(?!")[^{separator}\r\n]*+){separator}')
    place, number = 0, 1
    while found := value.match(record, place):
        place, number = found.end(), number + 1
    return number


def write_again(source: Source, layout: Layout) -> Source:
    """Write the rows as polars expects them: it takes the quote in 5" as an opening one, and refuses surplus cells."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=layout.separator, lineterminator="\n")
    writer.writerows(fitted for _, row in read_rows(source, layout) if (fitted := fit_row(row, layout)))
    return Source(content=source.content, text=text.getvalue(), has_quotes=True)


def has_leading_zeros(source: Source, layout: Layout) -> bool:
    """Whether a cell begins with a zero and another digit."""
    begins = np.zeros(256, dtype=bool)
    begins[[*b'\n\r"', ord(layout.separator)]] = True
    with source.open_bytes() as stream:
        while chunk := stream.read(CHUNK) + stream.readline():
            content = np.frombuffer(b"\n" + chunk + b"\n", dtype=np.uint8)
            zeros = np.flatnonzero(content == ord("0"))
            zeros = zeros[begins[content[zeros - 1]]]
            following = content[zeros + 1]
            if ((following >= ord("0")) & (following <= ord("9"))).any():
                return True
    return False


def has_ragged_row(source: Source, layout: Layout) -> bool:
    """Whether lines of a file without quotes differ in their number of separators; blank lines count as different."""
    with source.open_bytes() as stream:
        while chunk := stream.read(CHUNK) + stream.readline():
            content = np.frombuffer(chunk if chunk.endswith(b"\n") else chunk + b"\n", dtype=np.uint8)
            is_end = content[np.flatnonzero((content == ord(layout.separator)) | (content == ord("\n")))] == ord("\n")
            width = len(layout.names)
            if len(is_end) % width or is_end.sum() * width != len(is_end) or not is_end[width - 1 :: width].all():
                return True
    return False
