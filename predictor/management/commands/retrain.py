import argparse
import json
from typing import Any

import django.db
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from predictor.exceptions import MlsiteError
from predictor.metrics import LABELS, format_score
from predictor.models import Version
from predictor.retraining import Retrained, needs_version, retrain_model


class Command(BaseCommand):
    """Retrain models from their recipes, and make each result live.

    - With --promote if-better, a challenger goes live only if it beats the live version on rows that neither was
      trained on, and one that gives the same answers as that is not even registered.
    - Only whole versions appear: a retrain that fails or is killed leaves the database as it was.
    - A version is measured on rows that it was not trained on, beside a dummy baseline.
    - One model that fails does not stop the others; the exit status is then 1.
    - The same data, recipe, seed and libraries give the same predictions.
    """

    help = "Retrain models from their recipes in ml_models/; --promote says when a result goes live."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="slug", help="the models to retrain; all of them if none")
        parser.add_argument("--missing", action="store_true", help="only models without a live version that loads")
        parser.add_argument(
            "--promote",
            choices=["if-better", "always", "never"],
            default="always",
            metavar="WHEN",
            help="make it live always (default), if-better than what is, or never",
        )
        parser.add_argument(
            "--force", action="store_true", help="with if-better: register also what answers as the live one"
        )
        parser.add_argument("--dry-run", action="store_true", help="train and measure, but store nothing")
        parser.add_argument("--format", choices=["text", "json"], default="text", help="of the result (text)")

    def handle(self, *, slugs: list[str], missing: bool, format: str, **options: Any) -> None:
        how = {"mode": options["promote"], "force": options["force"], "dry_run": options["dry_run"]}
        check_database()
        chosen = [slug for slug in self._choose_slugs(slugs) if not missing or needs_version(slug)]
        done: list[Retrained] = []
        for slug in chosen:
            try:
                done.append(retrain_model(settings.MODELS_DIR, slug, by="command line", report=self._report, **how))
            except (MlsiteError, django.db.Error) as error:
                self.stderr.write(self.style.ERROR(f"{slug}: {error}"))
                done.append(Retrained(model=slug, version=None, rows=0, metrics={}, promoted=False, reason=str(error)))
        self.stdout.write(write_json(done) if format == "json" else write_text(done))
        failed = [result.model for result in done if not result.metrics]
        if failed:
            raise CommandError(f"{', '.join(failed)} failed; what was live stays live.")

    def _choose_slugs(self, slugs: list[str]) -> list[str]:
        from predictor.training.recipe import find_slugs

        found = slugs or find_slugs(settings.MODELS_DIR)
        if not found:
            raise CommandError(f"There is no recipe in {settings.MODELS_DIR}: make ml_models/<slug>/model.toml.")
        return list(dict.fromkeys(found))

    def _report(self, line: str) -> None:
        self.stderr.write(line, style_func=str)


def check_database() -> None:
    """Find out before hours of training that nothing could be stored."""
    try:
        Version.objects.exists()
    except django.db.Error as error:
        hint = "is DATABASE_URL right, and was `manage.py migrate` run?"
        raise CommandError(f"The database cannot be used: {hint} It says: {str(error).strip()}") from error


def write_json(results: list[Retrained]) -> str:
    return json.dumps(
        [
            {
                "model": result.model,
                "version": result.version,
                "rows": result.rows,
                "metrics": result.metrics.get("scores", {}),
                "baseline": result.metrics.get("baseline", {}),
                "promoted": result.promoted,
                "reason": result.reason,
            }
            for result in results
        ],
        indent=2,
    )


def write_text(results: list[Retrained]) -> str:
    """A short table: one line a metric, the baseline beside it."""
    if not results:
        return "Every model has a live version: nothing to do."
    return "\n\n".join("\n".join(_describe(result)) for result in results)


def _describe(result: Retrained) -> list[str]:
    if not result.metrics:
        return [f"{result.model}  failed"]
    version = f"version {result.version}" if result.version else "no version"
    state = "live" if result.promoted else "kept back" if result.version else "nothing registered"
    metrics = result.metrics
    return [
        f"{result.model}  {version}  {state}  learnt from {result.rows} rows",
        f"  {result.reason}",
        f"  {metrics['method'] + ', ' + str(metrics['rows']) + ' rows':<28}{'model':>10}{'baseline':>10}",
        *(
            f"  {LABELS[name]:<28}{format_score(score):>10}{format_score(metrics['baseline'].get(name)):>10}"
            for name, score in metrics["scores"].items()
        ),
    ]
