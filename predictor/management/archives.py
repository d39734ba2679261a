"""Files of closed months: one Parquet file of predictions each, and a description that names it and its SHA-256."""

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.management.base import CommandError

from predictor.history.archives import (
    NAME,
    ROWS_OF_A_PAGE,
    Archive,
    ArchivedPage,
    ArchivedPrediction,
    find_archive,
    list_archives,
)
from predictor.history.archiving import COLUMNS, Row, decode, erase, has_value, read_month
from predictor.history.ids import find_moment
from predictor.history.partitions import add_months
from predictor.monitoring.archived import check_folder, hash_file, read_rows, verify_file
from predictor.tables.writing import write_parquet


def find_folder(*, writes: bool = True) -> Path:
    """Where archives are. Raises CommandError where nothing is set, and NoArchiveFolder."""
    if not settings.ARCHIVE_DIR:
        raise CommandError("ARCHIVE_DIR is not set: name the folder for archives, which must last.", returncode=2)
    return check_folder(writes=writes)


def write_archive(folder: Path, month: datetime) -> Archive:
    """Archive the predictions of a month, in place of a former archive of it."""
    return _write(folder, f"{month:%Y-%m}", read_month(month, add_months(month, 1)))


def rewrite_archive(folder: Path, archive: Archive, change: Callable[[Row], Row]) -> Archive:
    """Replace an archive by one with changed rows."""
    names = [column.name for column in COLUMNS]
    changed = ([[row.get(name) for name in names]] for row in map(change, read_rows(folder, archive)))
    return _write(folder, archive.month, changed)


def take_archive(folder: Path, month: str) -> Archive:
    """The archive of a month. Raises CommandError and DamagedArchive."""
    if (archive := find_archive(folder, month)) is None:
        known = [each.month for each in list_archives(folder)]
        what = f"the archived months are {', '.join(known)}" if known else "no month is archived"
        raise CommandError(f"There is no archive of {month} in {folder}: {what}.")
    return archive


def read_page(
    folder: Path, archive: Archive, models: Collection[str] = (), *, before: UUID | None = None, id: UUID | None = None
) -> ArchivedPage:
    """The newest 100 predictions of an archive, or those older than `before`, or the one with an id.

    Only those of `models`, where these are named. Raises DamagedArchive.
    """
    import polars as pl

    rows = pl.scan_parquet(verify_file(folder, archive))
    if models:
        rows = rows.filter(pl.col("model").is_in(list(models)))
    if before is not None:
        rows = rows.filter(pl.col("id") < str(before))
    if id is not None:
        rows = rows.filter(pl.col("id") == str(id))
    # First the ids alone, so that no more than a page of rows is in the memory.
    ids = rows.select("id").tail(ROWS_OF_A_PAGE + 1).collect(engine="streaming")["id"].sort().to_list()
    shown = ids[-ROWS_OF_A_PAGE:]
    found: Sequence[Row] = []
    if shown:
        within = rows.filter(pl.col("id").is_between(pl.lit(shown[0]), pl.lit(shown[-1])))
        found = within.collect(engine="streaming").sort("id", descending=True).to_dicts()
    return ArchivedPage(
        month=archive.month,
        file=archive.file,
        predictions=[msgspec.convert(decode(each), ArchivedPrediction) for each in found],
        before=UUID(shown[0]) if len(ids) > len(shown) else None,
    )


def find_archived(folder: Path, model: str, feature: str, value: str, hashes: Collection[str]) -> Iterator[UUID]:
    """The archived predictions of a model for which a feature was this value, or had one of these hashes."""
    for archive in list_archives(folder):
        for row in read_rows(folder, archive):
            if row["model"] == model and has_value(row, feature, value, hashes):
                yield UUID(row["id"])


def erase_archived(folder: Path, ids: Collection[UUID], *, dry_run: bool) -> Iterator[Row]:
    """Erase predictions from the archives of their months; gives each row as it was."""
    named = {str(id) for id in ids}
    months = {f"{find_moment(id):%Y-%m}" for id in ids}
    for archive in list_archives(folder):
        found = [row for row in read_rows(folder, archive) if row["id"] in named] if archive.month in months else []
        if found and not dry_run:
            rewrite_archive(folder, archive, lambda row: erase(row) if row["id"] in named else row)
        yield from found


def _write(folder: Path, month: str, chunks: Iterable[list[list[Any]]]) -> Archive:
    """Write the file, then the description that names it, each whole or not at all; then drop former files."""
    rows = outcomes = 0

    def count() -> Iterator[list[list[Any]]]:
        nonlocal rows, outcomes
        for chunk in chunks:
            rows += len(chunk)
            outcomes += sum(len(msgspec.json.decode(row[-1])) for row in chunk)
            yield chunk

    name = NAME.format(month=month)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{name}.", delete=False) as made:
        try:
            write_parquet(COLUMNS, count(), made)  # type: ignore[arg-type]  # A file, in a wrapper.
            made.flush()
            os.fsync(made.fileno())
            sha256 = hash_file(Path(made.name))
            file = Path(made.name).replace(folder / f"{name}.{sha256[:12]}.parquet")
        except BaseException:
            Path(made.name).unlink(missing_ok=True)
            raise
    archive = Archive(month=month, file=file.name, sha256=sha256, rows=rows, outcomes=outcomes)
    description = folder / f".{name}.json"
    description.write_bytes(msgspec.json.format(msgspec.json.encode(archive)))
    description.replace(folder / f"{name}.json")
    for former in folder.glob(f"{name}.*.parquet"):
        if former.name != file.name:
            former.unlink()
    return archive
