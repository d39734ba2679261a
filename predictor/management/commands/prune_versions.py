import argparse
from typing import Any

from django.core.management.base import CommandError

from predictor.management.base import SiteCommand
from predictor.models import Version
from predictor.registry.versions import prune


class Command(SiteCommand):
    """Drop the artifacts of versions that never were live.

    - Rows are never dropped: what a version was, and why it was kept back, stays.
    - A version that ever was live keeps its artifact, so that every rollback stays possible.
    """

    help = "Drop the artifacts, never the rows, of versions that never were live."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the model")
        parser.add_argument(
            "--keep", type=read_count, required=True, metavar="N", help="how many of them, the newest, keep theirs"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say which")

    def handle(self, *, slug: str, keep: int, dry_run: bool, **options: Any) -> None:
        if not Version.objects.filter(model=slug).exists():
            raise CommandError(f"There is no version of {slug!r}.")
        pruned = prune(slug, keep=keep, dry_run=dry_run)
        numbers = ", ".join(str(version.number) for version in pruned)
        done = "would lose its artifact" if dry_run else "lost its artifact"
        self.stdout.write(f"{slug}: {done}: version {numbers}." if pruned else f"{slug}: nothing to drop.")


def read_count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)
