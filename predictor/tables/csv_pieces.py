"""Divides a CSV file between records, by one scan that knows quotes: a record may contain line ends."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass

from predictor.formats import format_number
from predictor.tables.content import Content
from predictor.tables.places import BEGINNING, Place

# Of a record: a quote that does not close makes the rest of a file one.
MOST_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True)
class CsvPiece:
    """Whole records of a file, which begin at a byte and at a line, counted from 1; it has so many lines."""

    byte: int
    line: int
    lines: int
    data: bytes


def divide_csv(content: Content, separator: str, size: int, start: Place = BEGINNING) -> Iterator[CsvPiece]:
    """Divide plain CSV, from a place on, into pieces of about `size` bytes.

    Raises DatasetError for a record of more than MOST_BYTES.
    """
    byte, line, rest = start.byte, start.line, b""
    with content.open() as stream:
        stream.seek(byte)
        while read := stream.read(size):
            block = rest + read
            mark = len(BOM_UTF8) if not byte and block.startswith(BOM_UTF8) else 0
            end = find_end(block[mark:] if mark else block, separator.encode())
            if end:
                end += mark
                lines = block.count(b"\n", 0, end)
                yield CsvPiece(byte=byte, line=line, lines=lines, data=block[:end])
                byte, line = byte + end, line + lines
            elif len(block) > MOST_BYTES:
                problem = f"the row does not end within {format_number(MOST_BYTES)} bytes"
                raise content.error(f"{problem}: perhaps a quote does not close", line=line)
            rest = block[end:]
    if rest:
        yield CsvPiece(byte=byte, line=line, lines=rest.count(b"\n") + 1, data=rest)


def find_end(block: bytes, separator: bytes) -> int:
    """Where the last whole record of a block ends, which begins with a record; 0 where none ends.

    A quote opens a value only where it is the first character of it, as for Python's csv.
    """
    if b'"' not in block:
        return block.rfind(b"\n") + 1
    # A line end in front, so that all values have something before them; it also makes places those of the next byte.
    text, end, after = b"\n" + block, 0, 0
    for quoted in re.finditer(rb'"(?<=[\n%b]")[^"]*+(?:""[^"]*+)*+("?)' % re.escape(separator), text):
        end = max(end, text.rfind(b"\n", after, quoted.start()))
        after = quoted.end()
        if not quoted[1]:
            return end
    return max(end, text.rfind(b"\n", after))
