import argparse
import re
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
    "failed": "{} failed; the live version was not changed.",
    "untrusted": "{} is live but not trusted here, and was skipped.",
}
# A file with such a name is given as ./12.
NUMBER = re.compile("[0-9]{1,18}")


class Command(SiteCommand):
    """Retrain models from their recipes, and make each result live if it is better.

    - A challenger goes live only if it is better than the live version on rows that neither was trained on, unless
      --promote says otherwise; the first version goes live, unless it is clearly worse than a dummy baseline.
    - A model.toml without data describes a model that `importmodel` brings, and is passed over.
    - Where the recipe does not set kinds, task or labels, those of the live version are kept, and that is reported.
    - A challenger that predicts the same as the live version is not registered, unless with --force.
    - With --with-outcomes it also trains on the outcomes of earlier predictions; held-out rows stay held out.
    - Only whole versions appear: a retrain that fails or is killed leaves the database as it was.
    - A version is measured on rows that it was not trained on, next to a dummy baseline.
    - One model that fails does not stop the others; the exit status is then 1.
    - With --missing, a live version whose signature this process does not know is skipped, and the exit status is
      then 1, unless with --replace-untrusted; a challenger that was kept back is not trained again while nothing has
      changed.
    - The same data, recipe, seed and libraries give the same predictions.
    """

    help = "Retrain models from their recipes in ml_models/; a result goes live if it is better."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="slug", help="the models to retrain (default: all)")
        parser.add_argument("--missing", action="store_true", help="only models without a live version that loads")
        parser.add_argument(
            "--replace-untrusted",
            action="store_true",
            help="also replace a live version whose signature is unknown here",
        )
        parser.add_argument(
            "--data",
            metavar="FILE",
            help="train one model on this local table, or on the uploaded one with this number",
        )
        parser.add_argument("--with-outcomes", action="store_true", help="train on recorded outcomes, too")
        parser.add_argument(
            "--since", type=read_since, metavar="DATE", help="use only outcomes recorded at or after this moment (UTC)"
        )
        parser.add_argument(
            "--scheduler",
            metavar="URL",
            default="",
            help="have a Dask cluster carry out the fits of [tune] and of folds, such as tcp://10.0.0.5:8786",
        )
        add_register_arguments(parser)

    def handle(self, *, slugs: list[str], missing: bool, format: str, **options: Any) -> None:
        # It imports numpy, which `--help` need not wait for.
        from predictor.lifecycle.retraining import RetrainRequest

        if options["data"] is not None and len(slugs) != 1:
            raise CommandError("--data is the table of one model: name exactly one model.", returncode=2)
        if options["since"] is not None and not options["with_outcomes"]:
            raise CommandError("--since selects outcomes: add --with-outcomes.", returncode=2)
        check_database()
        names = ("force", "replace_untrusted", "dry_run", "with_outcomes", "since", "scheduler")
        how = {"by": "command line", "mode": options["promote"], **{name: options[name] for name in names}}
        if options["data"] is not None:
            how |= find_table(slugs[0], options["data"])
        requests = [RetrainRequest(slug=slug, **how) for slug in self._choose_slugs(slugs)]
        with TerminalProgress(self.stderr) as progress:
            tried = [self._try(request, progress, missing=missing) for request in requests]
        done = [result for result in tried if result is not None]
        self.stdout.write(write_json(done) if format == "json" else write_text(done))
        if problems := [PROBLEMS[result.state].format(result.model) for result in done if result.state in PROBLEMS]:
            raise CommandError(" ".join(problems))

    def _choose_slugs(self, slugs: list[str]) -> list[str]:
        from predictor.lifecycle.recipes import list_recipes

        found = slugs or list_recipes(settings.MODELS_DIR)
        if not found:
            raise CommandError(
                f"There is no recipe in {settings.MODELS_DIR}: create <slug>/model.toml there, or run startmodel."
            )
        return list(dict.fromkeys(found))

    def _try(self, request: "RetrainRequest", progress: TerminalProgress, *, missing: bool) -> "Registered | None":
        """Retrain a model, or say why it was skipped; None where it is not missing."""
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


def find_table(slug: str, given: str) -> dict[str, Any]:
    """The table of a retrain: a data version where `given` is a number, else a file. Raises DatasetError."""
    from predictor.lifecycle.data_versions import find_data_version

    return {"data_version": find_data_version(slug, int(given))} if NUMBER.fullmatch(given) else {"data": Path(given)}


def read_since(text: str) -> datetime:
    try:
        return read_moment(text)
    except ValueError as error:
        problem = f"{text!r} is not a date: write it like 2026-03-01 or 2026-03-01T12:30"
        raise argparse.ArgumentTypeError(problem) from error
