import argparse
from typing import Any

from django.core.management.base import CommandError

from predictor.exceptions import MlsiteError, ModelRetired
from predictor.management.base import SiteCommand, read_reason
from predictor.registry.rollback import roll_back


class Command(SiteCommand):
    """Make the former live version live again.

    - Each call goes one step back in the log of promotions: two calls go back two.
    - A rollback is one more promotion; nothing is removed from the log.
    """

    help = "Make the former live version live again; two calls go back two."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the model")
        parser.add_argument("--reason", type=read_reason, default="rolled back", help="why, for the log")

    def handle(self, *, slug: str, reason: str, **options: Any) -> None:
        try:
            promotion = roll_back(slug, by="command line", reason=reason)
        except ModelRetired as error:
            raise CommandError(f"{slug} cannot be rolled back: {error}; {error.remedy}.") from error
        except MlsiteError as error:
            raise CommandError(f"{slug} cannot be rolled back: {error}.") from error
        self.stdout.write(f"{promotion.version} is live.")
