import argparse
import json
from typing import Any

import msgspec
from django.core.management.base import CommandError

from predictor.exceptions import ArtifactError, MlsiteError
from predictor.management.base import SiteCommand, add_format
from predictor.management.replays import list_lines
from predictor.management.versions import find_version
from predictor.models import Replay

DEFAULT_ROWS, MOST_ROWS = 10_000, 1_000_000


class Command(SiteCommand):
    """Let a version answer the newest stored predictions of its model, and store which answers change.

    - No prediction is stored, and nothing becomes live.
    - Inputs that the version refuses are counted, with the reason; they fail nothing.
    - The result is stored with the version, and shown where versions are compared.
    """

    help = "Let a version answer stored predictions again, and store which answers change."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the model")
        parser.add_argument("number", type=int, help="the version's number, live or not")
        parser.add_argument(
            "--last",
            type=read_count,
            default=DEFAULT_ROWS,
            metavar="N",
            help="how many predictions, the newest (default: 10000)",
        )
        add_format(parser)

    def handle(self, *, slug: str, number: int, last: int, format: str, **options: Any) -> None:
        from predictor.scoring.replay import replay
        from predictor.serving.runtime import load_runtime

        version = find_version(slug, number)
        try:
            result = replay(load_runtime(version), last)
        except ArtifactError as error:
            raise CommandError(f"{version} cannot be loaded: {error}.") from error
        except MlsiteError as error:
            raise CommandError(f"{error}.") from error
        Replay.objects.create(version=version, result=msgspec.to_builtins(result))
        if format == "json":
            described = {"model": slug, "version": number, **msgspec.to_builtins(result)}
            self.stdout.write(json.dumps([described], indent=2))
        else:
            self.stdout.write("\n".join(list_lines(version, result)))


def read_count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_ROWS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST_ROWS:,}")
    return int(text)
