import argparse
import json
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from predictor.history.ids import find_moment
from predictor.history.partitions import Partition, is_supported, list_partitions, make_partitions
from predictor.management.base import SiteCommand, add_format


class Command(SiteCommand):
    """Divide the table of predictions by months, on PostgreSQL, or make the months ahead where it is divided.

    - The site goes on: rows stay where they are, and what locks the table takes milliseconds.
    - It can be stopped at any time, and run again.
    """

    help = "Divide the table of predictions by months, while the site runs (PostgreSQL)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="list the partitions, but make none")
        add_format(parser)

    def handle(self, *, dry_run: bool, format: str, **options: Any) -> None:
        if not is_supported():
            raise CommandError("Only PostgreSQL divides tables; on SQLite, everything works without.", returncode=2)
        made = set() if dry_run else {each.name for each in make_partitions(timezone.now())}
        partitions = list_partitions()
        if format == "json":
            described = [describe(each, is_new=each.name in made) for each in partitions]
            self.stdout.write(json.dumps(described, indent=2))
        else:
            lines = [write_line(each, is_new=each.name in made) for each in partitions]
            self.stdout.write("\n".join(lines) or "The table is not divided.")


def describe(partition: Partition, *, is_new: bool) -> dict[str, Any]:
    first, end = (id and find_moment(id).isoformat() for id in (partition.first, partition.end))
    return {"partition": partition.name, "from": first, "until": end, "made": is_new}


def write_line(partition: Partition, *, is_new: bool) -> str:
    first = f"{find_moment(partition.first):%Y-%m-%d}" if partition.first else "the beginning"
    end = f"{find_moment(partition.end):%Y-%m-%d}" if partition.end else "the end"
    return f"{partition.name}: from {first} to {end}{' (made now)' if is_new else ''}"
