import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django.db
from django.conf import settings
from django.core.management.base import CommandError

from predictor.exceptions import MlsiteError
from predictor.management.base import SiteCommand
from predictor.management.progress import TerminalProgress
from predictor.management.registering import add_register_arguments, check_database, write_json, write_text
from predictor.moments import read_moment

if TYPE_CHECKING:
    from predictor.lifecycle.registration import Registered
    from predictor.lifecycle.retraining import RetrainRequest

PROBLEMS = {
    "failed": "{} failed; what was live stays live.",
    "untrusted": "{} is live but not trusted here, and was left alone.",
}


class Command(SiteCommand):
    """Retrain models from their recipes, and make each result live that is better.

    - A challenger goes live only if it beats the live version on rows that neither was trained on, unless
      --promote says otherwise; the first version goes live by itself, unless it is surely worse than a dummy.
    - Where the recipe is silent, kinds, task and labels stay as the live version has them, and that is said.
    - A challenger that gives the same answers as the live version is not even registered, unless with --force.
    - With --with-outcomes it also learns what really happened to earlier predictions; what is held out stays so.
    - Only whole versions appear: a retrain that fails or is killed leaves the database as it was.
    - A version is measured on rows that it was not trained on, beside a dummy baseline.
    - One model that fails does not stop the others; the exit status is then 1.
    - With --missing, a live version whose signature this process does not know is left alone, and the exit status is
      then 1, unless with --replace-untrusted; what was kept back is not trained again as long as nothing has changed.
    - The same data, recipe, seed and libraries give the same predictions.
    """

    help = "Retrain models from their recipes in ml_models/; a result goes live if it is better."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="slug", help="the models to retrain; all of them if none")
        parser.add_argument("--missing", action="store_true", help="only models without a live version that loads")
        parser.add_argument(
            "--replace-untrusted",
            action="store_true",
            help="also replace a live version whose signature is not known here",
        )
        parser.add_argument("--data", type=Path, metavar="FILE", help="learn from this local table, of one model")
        parser.add_argument("--with-outcomes", action="store_true", help="learn from recorded outcomes too")
        parser.add_argument(
            "--since", type=read_since, metavar="DATE", help="only from outcomes recorded at or after this (UTC)"
        )
        add_register_arguments(parser)

    def handle(self, *, slugs: list[str], missing: bool, format: str, **options: Any) -> None:
        # It brings numpy, which `--help` need not wait for.
        from predictor.lifecycle.retraining import RetrainRequest

        if options["data"] is not None and len(slugs) != 1:
            raise CommandError("--data is the table of one model: name that model.", returncode=2)
        if options["since"] is not None and not options["with_outcomes"]:
            raise CommandError("--since chooses among outcomes: say --with-outcomes too.", returncode=2)
        check_database()
        names = ("force", "replace_untrusted", "dry_run", "data", "with_outcomes", "since")
        how = {"by": "command line", "mode": options["promote"], **{name: options[name] for name in names}}
        requests = [RetrainRequest(slug=slug, **how) for slug in self._choose_slugs(slugs)]
        with TerminalProgress(self.stderr) as progress:
            tried = [self._try(request, progress, missing=missing) for request in requests]
        done = [result for result in tried if result is not None]
        self.stdout.write(write_json(done) if format == "json" else write_text(done))
        if problems := [PROBLEMS[result.state].format(result.model) for result in done if result.state in PROBLEMS]:
            raise CommandError(" ".join(problems))

    def _choose_slugs(self, slugs: list[str]) -> list[str]:
        from predictor.training.recipe import find_slugs

        found = slugs or find_slugs(settings.MODELS_DIR)
        if not found:
            raise CommandError(f"There is no recipe in {settings.MODELS_DIR}: make ml_models/<slug>/model.toml.")
        return list(dict.fromkeys(found))

    def _try(self, request: "RetrainRequest", progress: TerminalProgress, *, missing: bool) -> "Registered | None":
        """Retrain a model, or say why it was left alone; None where it is not missing."""
        from predictor.lifecycle.missing import find_missing
        from predictor.lifecycle.registration import Registered
        from predictor.lifecycle.retraining import retrain_model

        try:
            if missing:
                finding = find_missing(settings.MODELS_DIR, request)
                if finding.state == "served":
                    return None
                if finding.state != "missing":
                    return Registered.without_training(
                        request.slug, finding.state, finding.reason, version=finding.version
                    )
            return retrain_model(settings.MODELS_DIR, request, progress)
        except (MlsiteError, django.db.Error) as error:
            progress(f"{request.slug}: {error}")
            return Registered.without_training(request.slug, "failed", str(error))


def read_since(text: str) -> datetime:
    try:
        return read_moment(text)
    except ValueError as error:
        problem = f"{text!r} is no date: write it like 2026-03-01 or 2026-03-01T12:30"
        raise argparse.ArgumentTypeError(problem) from error
