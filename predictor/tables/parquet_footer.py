"""Reads from the end of a Parquet file how large its row groups are, without reading a value.

The footer is a structure of Thrift's compact protocol (parquet.thrift: FileMetaData and RowGroup).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from predictor.exceptions import LargeRowGroup
from predictor.tables.content import Content

MARK = b"PAR1"
MOST_BYTES = 16 << 20
MOST_DEPTH = 32
# Of Thrift: types of values, the end of a structure, and the fields of FileMetaData and RowGroup.
STOP, TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12
ROW_GROUPS, COLUMNS, SIZE, ROWS = 4, 1, 2, 3
# What a row group may take in a job, which reads one at a time.
MOST_BYTES_OF_A_ROW_GROUP = 64_000_000
# A value of a column takes so many bytes in memory at least.
BYTES_OF_A_VALUE = 8


class DamagedFooter(ValueError):
    """It is not what Parquet says."""


@dataclass(frozen=True, kw_only=True)
class RowGroup:
    """How many rows a group has, and the bytes that it takes unpacked: at least 8 for each of its values."""

    rows: int
    size: int


def read_row_groups(file: Path) -> list[RowGroup]:
    """Raises DamagedFooter."""
    try:
        groups = _Reader(_read_footer(file)).read_struct().get(ROW_GROUPS, [])
        return [_describe(group) for group in groups]
    except (IndexError, KeyError, TypeError, struct.error) as error:
        raise DamagedFooter("its end cannot be read") from error


def check_row_groups(content: Content, most: int) -> None:
    """Raise LargeRowGroup where a row group takes more bytes unpacked than `most`, and DatasetError."""
    try:
        groups = read_row_groups(content.file)
    except DamagedFooter as error:
        raise content.error(f"cannot be read as Parquet: {error}") from error
    for number, group in enumerate(groups, start=1):
        if group.size > most:
            rows = max(1, group.rows * most // group.size // 2)
            raise LargeRowGroup(
                f"{content.name}: row group {number} takes {group.size / 1e6:.0f} MB unpacked, and {most / 1e6:.0f} MB"
                f" are the most. Write the file again with row_group_size={rows}, which polars' write_parquet and"
                " pandas' to_parquet take.",
                code="large_groups",
                limit=most // 1_000_000,
            )


def _describe(group: dict[int, Any]) -> RowGroup:
    rows = group[ROWS]
    return RowGroup(rows=rows, size=max(group[SIZE], rows * len(group[COLUMNS]) * BYTES_OF_A_VALUE))


def _read_footer(file: Path) -> bytes:
    with file.open("rb") as stream:
        end = stream.seek(0, 2)
        stream.seek(max(0, end - 8))
        length, mark = struct.unpack("<I4s", stream.read(8))
        if mark != MARK or not 0 < length <= min(MOST_BYTES, end - 8):
            raise DamagedFooter("its end is missing")
        stream.seek(end - 8 - length)
        return stream.read(length)


class _Reader:
    """Reads structures as dictionaries by the numbers of their fields."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place, self._depth = data, 0, 0

    def read_struct(self) -> dict[int, Any]:
        return dict(self._read_fields())

    def _read_fields(self) -> Iterator[tuple[int, Any]]:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise DamagedFooter("it is nested too deeply")
        number = 0
        while kind := self._read_byte():
            kind, step = kind & 15, kind >> 4
            number = number + step if step else self._read_integer()
            yield number, kind == TRUE if kind in (TRUE, FALSE) else self._read_value(kind)
        self._depth -= 1

    def _read_value(self, kind: int) -> Any:
        if kind == BINARY:
            return self._skip(self._read_varint())
        if kind == STRUCT:
            return self.read_struct()
        if kind in (LIST, SET):
            return self._read_list()
        if kind == MAP:
            return self._read_map()
        if kind in (TRUE, FALSE, BYTE):
            return self._read_byte()
        if kind == DOUBLE:
            return self._skip(8)
        return self._read_integer()

    def _read_list(self) -> list[Any]:
        head = self._read_byte()
        count = self._read_varint() if head >> 4 == 15 else head >> 4
        return [self._read_value(head & 15) for _ in range(count)]

    def _read_map(self) -> None:
        count = self._read_varint()
        kinds = self._read_byte() if count else 0
        for _ in range(count):
            self._read_value(kinds >> 4)
            self._read_value(kinds & 15)

    def _skip(self, count: int) -> None:
        self._place += count
        if self._place > len(self._data):
            raise DamagedFooter("it ends too early")

    def _read_byte(self) -> int:
        self._place += 1
        return self._data[self._place - 1]

    def _read_varint(self) -> int:
        value = shift = 0
        while (byte := self._read_byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
        return value | byte << shift

    def _read_integer(self) -> int:
        """In zigzag."""
        value = self._read_varint()
        return (value >> 1) ^ -(value & 1)
