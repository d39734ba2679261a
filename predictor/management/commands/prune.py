import argparse
import dataclasses
import json
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from predictor.files.keeping import remove_expired
from predictor.formats import format_number, write_count
from predictor.history.partitions import list_partitions, make_partitions
from predictor.history.retention import Pruned, Pruning
from predictor.management.base import SiteCommand, add_format, read_length
from predictor.moments import read_duration

REPORTED_ROWS = 50_000


class Command(SiteCommand):
    """Delete old predictions, with their outcomes and the reports of visitors.

    - Nobody waits: each transaction is short, and what somebody is writing to is left for the next run.
    - Where the table is divided by months, whole months are dropped, and those ahead are made.
    - It can be stopped at any time, and run again.
    - Uploaded files that are older than FILES_KEPT are deleted too.
    - Versions, and what they were trained on, stay as they are.
    """

    help = "Delete old predictions with their outcomes, while the site runs."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--older-than",
            type=read_length,
            metavar="AGE",
            help="delete what was predicted longer ago, such as 365d, 52w or 12h (default: RETENTION)",
        )
        parser.add_argument(
            "--keep-outcomes", action="store_true", help="keep predictions for which an outcome is recorded"
        )
        parser.add_argument("--dry-run", action="store_true", help="count them, but delete nothing")
        add_format(parser)

    def handle(
        self, *, older_than: timedelta | None, keep_outcomes: bool, dry_run: bool, format: str, **options: Any
    ) -> None:
        age = older_than or (read_duration(settings.RETENTION) if settings.RETENTION else None)
        if age is None:
            raise CommandError("RETENTION is not set: name an age, such as --older-than 365d.", returncode=2)
        until = timezone.now() - age
        pruning = Pruning(until=until, keep_outcomes=keep_outcomes, report=self.report)
        pruned = dict(sorted((pruning.count() if dry_run else pruning.run()).items()))
        if format == "json":
            described = [
                {"model": model, "before": until.isoformat(timespec="seconds"), **dataclasses.asdict(each)}
                for model, each in pruned.items()
            ]
            self.stdout.write(json.dumps(described, indent=2))
        else:
            self.stdout.write("\n".join(write_lines(pruned, until, dry_run=dry_run)))
        if not dry_run and list_partitions():
            make_partitions(timezone.now())
        if not dry_run and (removed := remove_expired()):
            self.stderr.write(f"deleted: {write_count(removed, 'file')} whose time was over", style_func=str)

    def report(self, done: int) -> None:
        """Say on stderr how far it is, from time to time."""
        if done and done % REPORTED_ROWS == 0:
            self.stderr.write(f"deleted so far: {format_number(done)} predictions", style_func=str)


def write_lines(pruned: dict[str, Pruned], until: datetime, *, dry_run: bool) -> list[str]:
    moment = f"{until:%Y-%m-%d %H:%M} UTC"
    if not pruned:
        return [f"There is no prediction from before {moment}."]
    done = "would be deleted" if dry_run else "deleted"
    return [
        f"{model}: {done} from before {moment}: {write_count(each.predictions, 'prediction')},"
        f" {write_count(each.outcomes, 'outcome')},"
        f" {write_count(each.visitor_reports, 'report of visitors', 'reports of visitors')}"
        + (f"; kept for their outcome: {format_number(each.kept)}" if each.kept else "")
        + "."
        for model, each in pruned.items()
    ]
