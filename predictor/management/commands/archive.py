import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.core.management.base import CommandError
from django.utils import timezone

from predictor.formats import write_count
from predictor.history import archiving
from predictor.history.archives import Archive, find_month, list_archives
from predictor.history.ids import find_first_id, find_moment
from predictor.history.partitions import add_months
from predictor.management.archived_page import add_choice, read_month_name, write_page, write_prediction
from predictor.management.archives import find_folder, read_page, take_archive, write_archive
from predictor.management.base import SiteCommand, add_format
from predictor.models import Outcome, Prediction
from predictor.monitoring.archived import read_rows
from predictor.texts import list_names


class Command(SiteCommand):
    """Archive the predictions of closed months with their outcomes, one Parquet file a month in ARCHIVE_DIR.

    - A file appears whole or not at all, and is read only where its SHA-256 is right.
    - A month is archived again where outcomes came, but never once some of its predictions are deleted.
    - With --restore, archived predictions are stored again; what is still stored stays as it is.
    - With --show, archived predictions are printed, the newest first, and nothing is written.
    """

    help = "Archive closed months of predictions as Parquet, show archived ones, or store them again."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--restore", nargs="+", type=read_month_name, metavar="YYYY-MM", help="store these months again"
        )
        parser.add_argument("--dry-run", action="store_true", help="list the archives, but write nothing")
        add_choice(parser)
        add_format(parser)

    def handle(self, *, restore: list[str] | None, dry_run: bool, format: str, **options: Any) -> None:
        refuse_conflicts(restore=restore, dry_run=dry_run, **options)
        if options["show"]:
            self.stores_result = False
            self.stdout.write(show(options["show"], options["model"] or [], options["before"], options["id"], format))
            return
        folder = find_folder()
        if restore:
            lines = [self.restore(folder, month) for month in restore]
            self.stdout.write("\n".join(lines) if format == "text" else json.dumps(lines, indent=2))
            return
        written = [] if dry_run else list(write_archives(folder, timezone.now()))
        archives = list_archives(folder)
        if format == "json":
            described = [{**msgspec.to_builtins(each), "written": each in written} for each in archives]
            self.stdout.write(json.dumps(described, indent=2))
        else:
            self.stdout.write("\n".join(write_line(each, is_new=each in written) for each in archives) or "No archive.")

    def restore(self, folder: Path, month: str) -> str:
        predictions, outcomes = archiving.restore(read_rows(folder, take_archive(folder, month)))
        return f"{month}: stored again: {write_count(predictions, 'prediction')}, {write_count(outcomes, 'outcome')}."


def refuse_conflicts(**given: Any) -> None:
    """Raise CommandError for options that do not go together."""
    for one, other in (("restore", "dry_run"), ("show", "restore"), ("show", "dry_run"), ("before", "id")):
        if given[one] and given[other]:
            names = " and ".join(f"--{each.replace('_', '-')}" for each in (one, other))
            raise CommandError(f"{names} exclude each other.", returncode=2)
    if alone := [f"--{name}" for name in ("model", "before", "id") if given[name] and not given["show"]]:
        raise CommandError(f"{alone[0]} chooses among archived predictions: add --show YYYY-MM.", returncode=2)


def show(month: str, models: list[str], before: UUID | None, id: UUID | None, format: str) -> str:
    """A page of a month's archive, or one prediction of it. Raises CommandError and DamagedArchive."""
    folder = find_folder(writes=False)
    archive = take_archive(folder, month)
    page = read_page(folder, archive, models, before=before, id=id)
    if format == "json":
        return msgspec.json.format(msgspec.json.encode(page)).decode()
    if id is None:
        return "\n".join(write_page(page)) or f"No prediction{f' of {list_names(models)}' if models else ''}."
    if not page.predictions:
        other = find_month(id)
        hint = "" if other in (None, month) else f"; it was made in {other}"
        raise CommandError(f"The archive of {month} has no prediction {id}{hint}.")
    return "\n".join(write_prediction(page))


def write_archives(folder: Path, now: datetime) -> Iterator[Archive]:
    """Archive each closed month that has no archive, or one without the newest outcomes."""
    known = {each.month: each for each in list_archives(folder)}
    for month in list_closed_months(now):
        former = known.get(f"{month:%Y-%m}")
        first, end = find_first_id(month), find_first_id(add_months(month, 1))
        rows = Prediction.objects.filter(id__gte=first, id__lt=end).count()
        outcomes = Outcome.objects.filter(prediction__gte=first, prediction__lt=end).count()
        is_whole = former is None or rows >= former.rows
        if rows and is_whole and (former is None or (rows, outcomes) != (former.rows, former.outcomes)):
            yield write_archive(folder, month)


def list_closed_months(now: datetime) -> Iterator[datetime]:
    oldest = Prediction.objects.order_by("id").values_list("id", flat=True).first()
    if oldest is None:
        return
    moment = find_moment(oldest)
    month = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    while add_months(month, 1) <= now:
        yield month
        month = add_months(month, 1)


def write_line(archive: Archive, *, is_new: bool) -> str:
    counts = f"{write_count(archive.rows, 'prediction')}, {write_count(archive.outcomes, 'outcome')}"
    return f"{archive.month}: {counts}, {archive.file}{' (written now)' if is_new else ''}"
