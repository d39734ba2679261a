import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import CommandError
from django.utils import timezone

from predictor.formats import format_number
from predictor.history import archiving
from predictor.history.ids import find_first_id, find_moment
from predictor.history.partitions import add_months
from predictor.management.archives import Archive, find_folder, list_archives, read_rows, write_archive
from predictor.management.base import SiteCommand, add_format
from predictor.models import Outcome, Prediction


class Command(SiteCommand):
    """Archive the predictions of closed months with their outcomes, one Parquet file a month in ARCHIVE_DIR.

    - A file appears whole or not at all, and is read only where its SHA-256 is right.
    - A month is archived again where outcomes came, but never once some of its predictions are deleted.
    - With --restore, archived predictions are stored again; what is still stored stays as it is.
    """

    help = "Archive closed months of predictions as Parquet, or store archived ones again."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--restore", nargs="+", type=read_month_name, metavar="YYYY-MM", help="store these months again"
        )
        parser.add_argument("--dry-run", action="store_true", help="list the archives, but write nothing")
        add_format(parser)

    def handle(self, *, restore: list[str] | None, dry_run: bool, format: str, **options: Any) -> None:
        folder = find_folder()
        if restore and dry_run:
            raise CommandError("--restore and --dry-run exclude each other.", returncode=2)
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
        found = next((each for each in list_archives(folder) if each.month == month), None)
        if found is None:
            raise CommandError(f"There is no archive of {month} in {folder}.")
        predictions, outcomes = archiving.restore(read_rows(folder, found))
        return f"{month}: stored again: {format_number(predictions)} predictions, {format_number(outcomes)} outcomes."


def read_month_name(text: str) -> str:
    try:
        return f"{datetime.strptime(text, '%Y-%m'):%Y-%m}"  # Only a name.
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a month such as 2026-01") from error


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
    counts = f"{format_number(archive.rows)} predictions, {format_number(archive.outcomes)} outcomes"
    return f"{archive.month}: {counts}, {archive.file}{' (written now)' if is_new else ''}"
