import argparse
import json
import sys
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from predictor.exceptions import AlertNotSent, MlsiteError
from predictor.management.base import SiteCommand, add_format, read_length
from predictor.models import Monitoring, Version
from predictor.monitoring import WINDOW

LONGEST = timedelta(days=366)
STATUSES = {"alarm": 3, "cannot say": 4, "well": 0}


class Command(SiteCommand):
    """Say how good the newest predictions are, and whether each model does what its hold-out promised.

    - The result is stored; pages show the newest one and its time, and compute nothing.
    - The exit status is 0 where all is well, 3 where a model has an alarm, and 4 where one cannot be judged, but none
      has an alarm; 1 where something failed.
    - An alarm is about quality, by outcomes or estimated; drift alone raises none.
    - A prediction without an outcome counts neither as right nor as wrong.
    - Predictions that are only in archives (ARCHIVE_DIR) count as those that are stored.
    - No model is loaded, and nothing is predicted.
    """

    is_unannounced = False
    help = "Compare the newest predictions with their outcomes, and say whether models do what they promised."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", help="one model (default: all that are served)")
        parser.add_argument(
            "--window",
            type=partial(read_length, longest=LONGEST),
            default=WINDOW,
            metavar="LENGTH",
            help="how far to look back: 24h, 7d, 4w (default: 7d)",
        )
        add_format(parser)

    def handle(self, *, slug: str | None, window: timedelta, format: str, **options: Any) -> None:
        models = list(Version.objects.served().order_by("model").values_list("model", flat=True))
        if slug is None and not models:
            raise CommandError("No model is live: train one with `manage.py retrain`.")
        done = [self._watch(model, window, format) for model in ([slug] if slug else models)]
        stored = [each for each in done if each is not None]
        if format == "json":
            self.stdout.write(json.dumps([describe(each) for each in stored], indent=2))
        if len(stored) < len(done):
            raise CommandError("Not every model could be monitored.")
        if self.is_unannounced:
            raise CommandError("Not every message could be sent.")
        states = {each.state for each in stored}
        if status := next((status for state, status in STATUSES.items() if state in states), 0):
            sys.exit(status)

    def _watch(self, model: str, window: timedelta, format: str) -> Monitoring | None:
        """Store what is found of a model, and print it as text; None, and the cause to stderr, where that fails."""
        # It imports numpy, which `--help` need not wait for.
        from predictor.monitoring.announcing import announce_state
        from predictor.monitoring.archived import read_between
        from predictor.monitoring.lines import write_text
        from predictor.monitoring.watch import store, watch

        try:
            found = watch(model, window, timezone.now(), read_between)
            stored = store(model, found)
        except MlsiteError as error:
            self.stderr.write(f"{model}: {error}.")
            return None
        text = write_text(stored, found)
        if format == "text":
            self.stdout.write(text)
        try:
            announce_state(stored, text)
        except AlertNotSent as error:
            self.stderr.write(f"{model}: {error}. The next run tries again.")
            self.is_unannounced = True
        return stored


def describe(stored: Monitoring) -> dict[str, Any]:
    """What programs get: the result with the model, the state before, and when it was computed."""
    return {
        "model": stored.model,
        "computed_at": stored.computed_at.isoformat(timespec="seconds"),
        "former_state": stored.former_state,
        **stored.result,
    }
