"""The bytes of a table, wherever they come from."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from predictor.exceptions import DatasetError


@dataclass(frozen=True, kw_only=True)
class Content:
    """A table's bytes: those of `file`, or `unpacked` from it. Errors call it by its `name`.

    `packing` is the ending of a packed file's name: ".gz", ".zip", or empty.
    """

    name: str
    file: Path
    unpacked: bytes | None = None
    packing: str = ""

    @property
    def source(self) -> Path | bytes:
        """What polars reads it from."""
        return self.file if self.unpacked is None else self.unpacked

    def open(self) -> BinaryIO:
        return self.file.open("rb") if self.unpacked is None else io.BytesIO(self.unpacked)

    def read_bytes(self) -> bytes:
        return self.file.read_bytes() if self.unpacked is None else self.unpacked

    def error(self, problem: str, *, line: int | None = None) -> DatasetError:
        place = self.name if line is None else f"{self.name}, line {line}:"
        return DatasetError(f"{place} {problem}.")
