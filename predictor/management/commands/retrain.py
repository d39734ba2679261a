import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django.db
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from predictor.exceptions import MlsiteError
from predictor.formats import format_number
from predictor.management.progress import Progress
from predictor.management.table import align_columns
from predictor.metrics import describe_comparison, write_scores
from predictor.models import Version
from predictor.moments import read_moment
from predictor.provenance import describe_sources

if TYPE_CHECKING:
    from predictor.retraining import Retrained


PROBLEMS = {
    "failed": "{} failed; what was live stays live.",
    "untrusted": "{} is live but not trusted here, and was left alone.",
}


class Command(BaseCommand):
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
        how = {name: options[name] for name in ("force", "dry_run", "data", "with_outcomes", "since")}
        how |= {"mode": options["promote"], "replace_untrusted": options["replace_untrusted"]}
        if options["data"] is not None and len(slugs) != 1:
            raise CommandError("--data is the table of one model: name that model.", returncode=2)
        if options["since"] is not None and not options["with_outcomes"]:
            raise CommandError("--since chooses among outcomes: say --with-outcomes too.", returncode=2)
        check_database()
        with Progress(self.stderr) as report:
            tried = [self._try(slug, report, how, missing=missing) for slug in self._choose_slugs(slugs)]
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

    def _try(self, slug: str, report: Progress, how: dict[str, Any], *, missing: bool) -> "Retrained | None":
        """Retrain a model, or give why it was left alone; None where it is not missing."""
        # They bring numpy, which `--help` need not wait for.
        from predictor.missing import find_missing
        from predictor.retraining import Retrained, retrain_model

        try:
            if missing:
                insists = how["force"] or how["mode"] == "always" or how["data"] or how["with_outcomes"]
                finding = find_missing(
                    settings.MODELS_DIR, slug, replace_untrusted=how["replace_untrusted"], repeat=bool(insists)
                )
                if finding.state == "served":
                    return None
                if finding.state != "missing":
                    return Retrained.without_training(slug, finding.state, finding.reason, version=finding.version)
            return retrain_model(settings.MODELS_DIR, slug, by="command line", report=report, **how)
        except (MlsiteError, django.db.Error) as error:
            report(f"{slug}: {error}")
            return Retrained.without_training(slug, "failed", str(error))


def add_register_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command takes that registers a version."""
    parser.add_argument(
        "--promote",
        choices=["if-better", "always", "never"],
        default="if-better",
        metavar="WHEN",
        help="make it live if-better than what is (default), always, or never",
    )
    parser.add_argument("--force", action="store_true", help="register also what answers as the live version")
    parser.add_argument("--dry-run", action="store_true", help="do all but store anything")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="of the result (text)")


def read_since(text: str) -> datetime:
    try:
        return read_moment(text)
    except ValueError as error:
        problem = f"{text!r} is no date: write it like 2026-03-01 or 2026-03-01T12:30"
        raise argparse.ArgumentTypeError(problem) from error


def check_database() -> None:
    """Find out before hours of training that nothing could be stored."""
    try:
        Version.objects.exists()
    except django.db.Error as error:
        hint = "is DATABASE_URL right, and was `manage.py migrate` run?"
        raise CommandError(f"The database cannot be used: {hint} It says: {str(error).strip()}") from error


def write_json(results: list["Retrained"]) -> str:
    return json.dumps(
        [
            {
                "model": result.model,
                "version": result.version,
                "rows": result.rows,
                "outcomes": result.data.get("outcomes", {}).get("used", 0),
                "metrics": result.metrics.get("scores", {}),
                "intervals": result.metrics.get("intervals", {}),
                "baseline": result.metrics.get("baseline", {}),
                "promoted": result.promoted,
                "reason": result.reason,
                "decision": result.decision,
            }
            for result in results
        ],
        indent=2,
    )


def write_text(results: list["Retrained"]) -> str:
    """A short table: one line a metric, the baseline beside it."""
    if not results:
        return "Every model has a live version: nothing to do."
    return "\n\n".join("\n".join(_describe(result)) for result in results)


def _describe(result: "Retrained") -> list[str]:
    if result.state == "failed":
        return [f"{result.model}  failed"]
    if result.state != "done":
        return [f"{result.model}  left alone", f"  {result.reason}"]
    version = f"version {result.version}" if result.version else "no version"
    state = "live" if result.promoted else "kept back" if result.version else "nothing registered"
    learnt = "fitted elsewhere" if result.rows is None else f"learnt from {format_number(result.rows)} rows"
    metrics = result.metrics
    measured = f"{metrics['method']}, {format_number(metrics['rows'])} rows"
    scores = write_scores(metrics, result.unit)
    # Another version is live, or known to be better, where there was a champion to compare with.
    is_alone = result.version and not result.promoted and result.decision.get("champion") is None
    promote = f'to make it live all the same: manage.py promote {result.model} {result.version} --reason "…"'
    return [
        f"{result.model}  {version}  {state}  {learnt}",
        *([f"  {sources}"] if (sources := describe_sources(result.data)) else []),
        f"  {result.reason}",
        *([f"  {promote}"] if is_alone else []),
        *(f"  {line}" for line in describe_comparison(result.decision, result.unit)),
        *(
            f"  {line}"
            for line in align_columns(
                (measured, "model", "baseline", "95 % interval"),
                *((each.label, each.score, each.baseline, each.interval) for each in scores),
            )
        ),
    ]
