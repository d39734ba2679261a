"""Reads predictions that are only in archives, from files whose bytes are those that were written."""

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from predictor.exceptions import DamagedArchive, MlsiteError
from predictor.history.archives import Archive, list_archives
from predictor.history.archiving import Row
from predictor.history.partitions import add_months

ROWS_AT_ONCE = 5_000


class NoArchiveFolder(MlsiteError):
    """ARCHIVE_DIR names no folder that can be used here."""


def check_folder(*, writes: bool = True) -> Path:
    """The folder that ARCHIVE_DIR names. Raises NoArchiveFolder."""
    if settings.IS_ON_DYNO:
        raise NoArchiveFolder("This is a dyno, whose disk is lost at the next restart: archive on another machine.")
    folder = Path(settings.ARCHIVE_DIR)
    if not folder.is_dir() or not os.access(folder, os.W_OK if writes else os.R_OK):
        problem = f"is not a folder that can be {'written to' if writes else 'read'}"
        raise NoArchiveFolder(f"ARCHIVE_DIR, {folder}, {problem}.")
    return folder


def read_between(model: str, since: datetime, until: datetime, is_judged: bool) -> Iterator[Row]:
    """A model's archived predictions of the months that a range of time touches; none where no folder is set.

    Only those with an outcome where `is_judged`. Raises NoArchiveFolder and DamagedArchive.
    """
    if not settings.ARCHIVE_DIR:
        return
    import polars as pl

    folder = check_folder()
    for archive in list_archives(folder):
        if archive.start < until and add_months(archive.start, 1) > since:
            is_asked_for = pl.col("model") == model
            yield from read_rows(
                folder, archive, is_asked_for & (pl.col("outcomes") != "[]") if is_judged else is_asked_for
            )


def read_rows(folder: Path, archive: Archive, condition: Any = True) -> Iterator[Row]:
    """The rows of an archive for which a condition of polars holds, once its bytes are those that were written.

    Raises DamagedArchive.
    """
    import polars as pl

    file = verify_file(folder, archive)
    for start in range(0, archive.rows, ROWS_AT_ONCE):
        yield from pl.scan_parquet(file).slice(start, ROWS_AT_ONCE).filter(condition).collect().iter_rows(named=True)


def verify_file(folder: Path, archive: Archive) -> Path:
    """The file of an archive, whose bytes are those that were written. Raises DamagedArchive."""
    file = folder / archive.file
    try:
        if hash_file(file) != archive.sha256:
            raise DamagedArchive(f"{file} is not the file that was written: its SHA-256 is another one")
    except OSError as error:
        raise DamagedArchive(f"{file} cannot be read: {error.strerror or error}") from error
    return file


def hash_file(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
