import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from predictor.exceptions import ArtifactError, MlsiteError
from predictor.management.base import SiteCommand, read_reason
from predictor.models import Version
from predictor.registry.retirement import bring_back, retire
from predictor.registry.versions import verify_servable


class Command(SiteCommand):
    """Retire a model, or bring it back.

    - A retired model makes no predictions: its form and API answer 410, and it leaves the menu, within 2 seconds.
    - Its versions, their pages, its predictions and their outcomes stay.
    - Each retirement and each return is a line in a log of its own, with when, by whom and why; no version is promoted.
    - A retrain registers versions of a retired model, but none goes live; `retrain --missing` skips it.
    """

    help = "Retire a model, so that it makes no more predictions; with --undo, bring it back."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the model")
        parser.add_argument("--undo", action="store_true", help="bring a retired model back, with its live version")
        parser.add_argument(
            "--reason", type=read_reason, default="no reason given", help="why, for the log and the model's page"
        )

    def handle(self, *, slug: str, undo: bool, reason: str, **options: Any) -> None:
        act, word = (bring_back, "brought back") if undo else (retire, "retired")
        try:
            event = act(slug, by="command line", reason=reason)
        except MlsiteError as error:
            raise CommandError(f"{slug} cannot be {word}: {error}.") from error
        if undo:
            self.stdout.write(f"{slug} is back: {describe_live(slug)}." if event else f"{slug} is not retired.")
            return
        self.stdout.write(f"{slug} is retired." if event else f"{slug} is already retired.")
        if slug == settings.DEFAULT_MODEL:
            self.stderr.write(
                f"WARNING: {slug} is the default model: the home page answers 410; set DEFAULT_MODEL to another one.",
                style_func=str,
            )


def describe_live(slug: str) -> str:
    """Which version of a model is live, and whether this build can load it."""
    version = Version.objects.find_live(slug)
    if version is None:
        return "none of its versions was ever live"
    try:
        verify_servable(version)
    except ArtifactError as error:
        return f"version {version.number} is live, but cannot be loaded ({error}): run `manage.py retrain {slug}`"
    return f"version {version.number} is live"
