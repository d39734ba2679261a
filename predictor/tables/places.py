"""Places in a table from which reading goes on, without reading again what is before them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import NamedTuple

from predictor.tables.content import Content


class Place(NamedTuple):
    """Between two rows: in CSV the byte at which the next one begins, and its line; elsewhere how many are before."""

    rows: int = 0
    byte: int = 0
    line: int = 1


BEGINNING = Place()


class PlacedLines(AbstractContextManager["PlacedLines"]):
    """The lines of a plain CSV file from a place on; `byte` and `line` are of the next one."""

    def __init__(self, content: Content, start: Place) -> None:
        self.byte, self.line = start.byte, start.line
        self._stream = content.open()
        self._stream.seek(start.byte)

    def __iter__(self) -> Iterator[str]:
        for line in self._stream:
            text = line.decode("utf-8" if self.byte else "utf-8-sig")
            self.byte += len(line)
            self.line += 1
            yield text

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.close()
