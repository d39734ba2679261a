import argparse
from typing import Any

from django.core.management.base import CommandError

from predictor.management.base import SiteCommand
from predictor.registry.resigning import Resigned, resign_artifacts


class Command(SiteCommand):
    """Sign what earlier builds stored in today's format, too.

    - What is not signed with a key that this process knows is left alone, and said.
    - Processes of the build before go on reading the signature that they know.
    - All of it is done, or nothing; running it twice, also at once, changes nothing more.
    - Once every live version is trusted, artifacts without today's signature are refused.
    - The exit status is 1 where a live version is not trusted.
    """

    help = "Sign versions of earlier builds in today's format; with --rotate, all of them with today's key."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--rotate",
            action="store_true",
            help="renew all signatures with MODEL_SIGNING_KEY, so that fallbacks can go",
        )
        parser.add_argument(
            "--accept-format-1",
            action="store_true",
            help="sign also what an earlier build stored after this command had run",
        )

    def handle(self, *, rotate: bool, accept_format_1: bool, **options: Any) -> None:
        done = resign_artifacts(rotate=rotate, accept_format_1=accept_format_1)
        for line in [*done.refused, *done.distrusted]:
            self.stderr.write(line)
        self.stdout.write(_summarise(done, rotate=rotate))
        if done.distrusted:
            raise CommandError("What is live and not trusted was left alone; see above how to go on.")


def _summarise(done: Resigned, *, rotate: bool) -> str:
    said = [f"{done.extended} artifacts were signed in format 2"]
    if rotate:
        said.append(f"{done.rotated} were signed anew with MODEL_SIGNING_KEY")
    if done.refused:
        said.append(f"{len(done.refused)} were left alone")
    accepted = "format 1 alone is refused" if done.is_strict else "format 1 alone is still accepted"
    return f"{', '.join(said)}; {accepted}."
