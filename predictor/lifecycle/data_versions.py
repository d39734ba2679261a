"""Keeps uploaded tables for good, so that a later training can name them, and reads them again."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from predictor.exceptions import DatasetError, FileGone, RecipeError
from predictor.files.keeping import iterate
from predictor.models import DataVersion, KeptFile


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What is stored of a table next to its bytes: how many rows it has, and the names of its columns."""

    rows: int
    columns: list[str]


def keep_data_version(slug: str, file: KeptFile, by: str) -> DataVersion:
    """Keep a table for good as one of a model; the one that is there where its bytes were kept before.

    Raises DatasetError where it cannot be read, and FileGone.
    """
    return store_data_version(slug, file, by, measure_table(file))


def measure_table(file: KeptFile) -> Measured:
    """Read a kept table. Raises DatasetError, and FileGone."""
    from predictor.tables.table import read_table

    with open_table(file) as table:
        read, _ = read_table(table)
    return Measured(rows=len(read), columns=read.columns)


@transaction.atomic
def store_data_version(slug: str, file: KeptFile, by: str, measured: Measured) -> DataVersion:
    """Store a table that was measured. A file that is not needed, since its bytes are there, expires as before.

    Raises FileGone.
    """
    described = {"rows": measured.rows, "columns": measured.columns, "made_by": by}
    version, is_new = DataVersion.objects.get_or_create(
        model=slug, sha256=file.sha256, defaults={"file": file, **described}
    )
    if is_new and not KeptFile.objects.filter(pk=file.pk, is_whole=True).update(expires_at=None):
        raise FileGone(f"{file.name} is no longer kept: upload it again")
    return version


@contextmanager
def open_table(file: KeptFile) -> Iterator[Path]:
    """A kept table as a file on this machine, for the block, in whose errors it has the name of its upload.

    Raises FileGone, and DatasetError for bytes that were changed.
    """
    with tempfile.TemporaryDirectory(prefix="mlsite-table-") as folder:
        table = Path(folder) / "table"
        try:
            yield copy_table(file, table)
        except (DatasetError, RecipeError) as error:
            raise type(error)(str(error).replace(str(table), file.name)) from error


def copy_table(file: KeptFile, to: Path) -> Path:
    """Write a kept table to a file, chunk by chunk. Raises FileGone, and DatasetError for bytes that were changed."""
    sha256 = hashlib.sha256()
    with to.open("wb") as output:
        for chunk in iterate(file):
            sha256.update(chunk)
            output.write(chunk)
    if sha256.hexdigest() != file.sha256:
        raise DatasetError(f"{file.name}: the stored bytes are not those that were uploaded: upload the table again.")
    return to
