import argparse
from typing import Any

from django.core.management.base import CommandError

from predictor.formats import write_count
from predictor.management.base import SiteCommand
from predictor.registry.resigning import Resigned, resign_artifacts


class Command(SiteCommand):
    """Sign versions of earlier builds in today's format, too.

    - Artifacts that are not signed with a key of this process are left unchanged and reported.
    - Processes of the former build go on reading the signature that they know.
    - All of it is done, or nothing; running it twice, even at the same time, changes nothing more.
    - Once every live version is trusted, artifacts without today's signature are refused.
    - The exit status is 1 where a live version is not trusted.
    """

    help = "Sign versions of earlier builds in today's format; with --rotate, all of them with today's key."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--rotate",
            action="store_true",
            help="renew all signatures with MODEL_SIGNING_KEY, so that MODEL_SIGNING_KEY_FALLBACKS can be removed",
        )
        parser.add_argument(
            "--accept-format-1",
            action="store_true",
            help="sign also versions that an earlier build stored after this command had run",
        )

    def handle(self, *, rotate: bool, accept_format_1: bool, **options: Any) -> None:
        done = resign_artifacts(rotate=rotate, accept_format_1=accept_format_1)
        for line in [*done.refused, *done.distrusted]:
            self.stderr.write(line)
        self.stdout.write(_summarise(done, rotate=rotate))
        if done.distrusted:
            raise CommandError("Live versions that are not trusted were left unchanged; see above for what to do.")


def _summarise(done: Resigned, *, rotate: bool) -> str:
    parts = [f"{write_count(done.extended, 'artifact was', 'artifacts were')} signed in format 2"]
    if rotate:
        parts.append(f"{write_count(done.rotated, 'was', 'were')} signed again with MODEL_SIGNING_KEY")
    if done.refused:
        parts.append(f"{write_count(len(done.refused), 'was', 'were')} left unchanged")
    accepted = "format 1 alone is refused" if done.is_strict else "format 1 alone is still accepted"
    return f"{', '.join(parts)}; {accepted}."
