import argparse
from typing import Any

from django.core.management.base import CommandError

from predictor.exceptions import MlsiteError, ModelRetired
from predictor.management.base import SiteCommand, read_reason
from predictor.management.versions import find_version
from predictor.registry.versions import promote


class Command(SiteCommand):
    """Make a version live, whether newer or older than the live one.

    - Every worker serves it within 2 seconds, and the log keeps when, by whom and why.
    - A version that this build cannot load is refused, and the live version stays live.
    """

    help = "Make a version live, whether newer or older than the live one."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the model")
        parser.add_argument("number", type=int, help="the version's number")
        parser.add_argument("--reason", type=read_reason, required=True, help="why, for the log")

    def handle(self, *, slug: str, number: int, reason: str, **options: Any) -> None:
        version = find_version(slug, number)
        try:
            promotion = promote(version, by="command line", reason=reason)
        except ModelRetired as error:
            raise CommandError(f"{version} cannot go live: {error}; {error.remedy}.") from error
        except MlsiteError as error:
            raise CommandError(f"{version} cannot go live: {error}.") from error
        self.stdout.write(f"{version} is live." if promotion else f"{version} is already live.")
