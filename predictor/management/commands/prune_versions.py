import argparse
from typing import Any

from django.core.management.base import CommandError

from predictor.management.base import SiteCommand
from predictor.management.versions import find_version
from predictor.models import Version
from predictor.registry.versions import prune, prune_chosen


class Command(SiteCommand):
    """Delete the artifacts of versions that were never live, or of chosen ones.

    - Their rows are never deleted: what a version was, and why it was kept back, stays.
    - A version that was ever live keeps its artifact, so that every rollback stays possible, unless --only names it.
    - A live version is never touched.
    """

    help = "Delete the artifacts, never the rows, of versions that were never live, or of chosen ones."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the model")
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument(
            "--keep",
            type=read_count,
            metavar="N",
            help="how many of the versions that were never live, the newest, keep their artifacts",
        )
        chosen.add_argument(
            "--only",
            type=read_count,
            nargs="+",
            metavar="NUMBER",
            help="of these versions, also of those that were live: their artifacts, figures and references",
        )
        parser.add_argument("--dry-run", action="store_true", help="list them, but delete nothing")

    def handle(self, *, slug: str, keep: int | None, only: list[int] | None, dry_run: bool, **options: Any) -> None:
        if not Version.objects.filter(model=slug).exists():
            raise CommandError(f"There is no version of {slug!r}.")
        for number in only or []:
            find_version(slug, number)
        pruned = (
            prune(slug, keep=keep or 0, dry_run=dry_run) if only is None else prune_chosen(slug, only, dry_run=dry_run)
        )
        numbers = ", ".join(str(version.number) for version in pruned)
        done = "artifacts that would be deleted" if dry_run else "artifacts deleted"
        self.stdout.write(f"{slug}: {done}: version {numbers}." if pruned else f"{slug}: nothing to delete.")


def read_count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or above")
    return int(text)
