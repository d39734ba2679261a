"""Checks that every row of a CSV file has one value per column, and names the line and column where not."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np

from predictor.exceptions import DatasetError

EXAMPLE = '"a ""quoted"", divided text"'
SAMPLE_LINES = 100
CHUNK = 1 << 24


@dataclass(frozen=True, kw_only=True)
class Source:
    """A CSV file: read from disk where it is plain UTF-8, otherwise from its decoded `text`."""

    file: Path
    text: str | None
    has_quotes: bool

    def open_lines(self) -> TextIO:
        if self.text is None:
            return self.file.open(encoding="utf-8-sig", newline="")
        return io.StringIO(self.text, newline="")

    @cached_property
    def content(self) -> Path | bytes:
        return self.file if self.text is None else self.text.encode()

    def open_bytes(self) -> BinaryIO:
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")

    def error(self, line: int, problem: str) -> DatasetError:
        return DatasetError(f"{self.file}, line {line}: {problem}.")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The format of a CSV file: its separator, and its columns' names."""

    separator: str
    names: list[str]


def check_rows(source: Source, layout: Layout) -> bool:
    """Refuse the first row without one value per column, naming its line; return whether a value contains a quote."""
    start, has_inner_quotes = 0, False
    try:
        for end, row in _read_rows(source, layout):
            if row and len(row) != len(layout.names):
                raise source.error(start + 1, _describe_ragged(layout, row))
            has_inner_quotes = has_inner_quotes or '"' in "".join(row)
            start = end
    except csv.Error as error:
        number = _find_column(source, layout, start)
        name = layout.names[number - 1] if start and number <= len(layout.names) else str(number)
        problem = f"{error}; write a text with a separator or a quote as {EXAMPLE}"
        raise source.error(start + 1, f"column {name!r}: {problem}") from error
    return has_inner_quotes


def _read_rows(source: Source, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its last line."""
    with source.open_lines() as stream:
        reader = csv.reader(stream, delimiter=layout.separator, strict=True)
        for row in reader:
            yield reader.line_num, row


def _describe_ragged(layout: Layout, row: list[str]) -> str:
    names = layout.names
    counts = f"{len(row)} values for {len(names)} columns"
    if len(row) < len(names):
        return f"{counts}, none for {names[len(row)]!r}: write an empty value where one is missing"
    surplus = f"{row[len(names)]!r} comes after the last, {names[-1]!r}"
    return f"{counts}: {surplus}; write a text with a separator as {EXAMPLE}"


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


def quote_again(source: Source, layout: Layout) -> Source:
    """Quote every value with a quote as polars expects: it takes the one in 5" as an opening one."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=layout.separator, lineterminator="\n")
    writer.writerows(row for _, row in _read_rows(source, layout) if row)
    return Source(file=source.file, text=text.getvalue(), has_quotes=True)


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
