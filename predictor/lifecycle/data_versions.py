"""Keeps uploaded tables for good, so that a later training can name them, and reads them again."""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from predictor.exceptions import DatasetError, FileGone, RecipeError
from predictor.files.keeping import spool
from predictor.models import DataVersion, KeptFile

if TYPE_CHECKING:
    from predictor.lifecycle.registration import Registered

MOST_NAMED = 10
UNUSUAL = re.compile(r"[^\w. -]", re.ASCII)
LONGEST_NAME = 100


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


def find_data_version(slug: str, number: int) -> DataVersion:
    """One of a model's tables by its number. Raises DatasetError, which names those that there are."""
    versions = DataVersion.objects.filter(model=slug)
    version = versions.select_related("file").filter(pk=number).first()
    if version is None:
        known = ", ".join(map(str, versions.order_by("-pk").values_list("pk", flat=True)[:MOST_NAMED])) or "none"
        raise DatasetError(f"{slug} has no data version {number}; those of {slug} are, from the newest on: {known}.")
    return version


def hold_while_registered(
    table: DataVersion, report: "Callable[[Registered], None] | None"
) -> "Callable[[Registered], None]":
    """Have what a retrain reports in its transaction keep its table from being deleted until it is committed."""

    def report_and_hold(registered: "Registered") -> None:
        if not DataVersion.objects.select_for_update().filter(pk=table.pk).exists():
            raise FileGone(f"data version {table.pk} was deleted during the training")
        if report is not None:
            report(registered)

    return report_and_hold


@contextmanager
def open_table(file: KeptFile) -> Iterator[Path]:
    """A kept table as a file on this machine, for the block, in whose errors it has the name of its upload.

    Raises FileGone, and DatasetError for bytes that were changed.
    """
    with tempfile.TemporaryDirectory(prefix="mlsite-table-") as folder:
        table = Path(folder) / make_file_name(file.name)
        try:
            spool(file, table)
            yield table
        except (DatasetError, RecipeError) as error:
            error.args = (str(error).replace(str(table), file.name),)  # Its code and values stay.
            raise


def make_file_name(uploaded: str) -> str:
    """A name that every disk takes, as like that of the upload as possible."""
    return UNUSUAL.sub("_", uploaded)[-LONGEST_NAME:].lstrip(".") or "table"
