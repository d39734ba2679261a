"""A file that workers read by themselves, where they find it at the same path."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import polars as pl

from predictor.exceptions import DatasetError


@dataclass(frozen=True, kw_only=True)
class SharedFile:
    """Its absolute path, its size in bytes, and when it was written, in nanoseconds since 1970."""

    path: Path
    size: int
    written: int

    @classmethod
    def of(cls, file: Path) -> Self:
        path = file.resolve()
        seen = path.stat()
        return cls(path=path, size=seen.st_size, written=seen.st_mtime_ns)

    def read_bytes(self, start: int, stop: int) -> bytes:
        """Raises DatasetError where this machine does not have that file."""
        self._check()
        with self.path.open("rb") as stream:
            stream.seek(start)
            return stream.read(stop - start)

    def read_rows(self, start: int, stop: int) -> pl.DataFrame:
        """The same of a Parquet file."""
        self._check()
        table = pl.scan_parquet(self.path, glob=False, hive_partitioning=False)
        return table.slice(start, stop - start).collect()

    def _check(self) -> None:
        try:
            found = self.of(self.path)
        except OSError as error:
            reason = error.strerror or error
            raise DatasetError(f"{self.path} cannot be read by the worker on {platform.node()}: {reason}.") from error
        if found != self:
            raise DatasetError(f"{self.path} is another file for the worker on {platform.node()}, or was changed.")
