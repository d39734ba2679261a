import argparse
from pathlib import Path
from typing import Any

from django.conf import settings

from predictor.management.base import SiteCommand


class Command(SiteCommand):
    """Create a model: a folder with a copy of a table and a commented recipe, ready for a retrain.

    - The folder is created complete or not at all, and an existing one is never changed.
    - A doubt about a column is a comment in the recipe, and leaves nothing out. Only a column that no training could
      use, that numbers the rows, or that contains free text is left out, by a line in the recipe, and reported first.
    - The estimator is chosen on training rows alone: what a retrain holds out has no say in it.
    - The database is not needed.
    """

    help = "Create a model: its folder in ml_models/, from a table."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the model's name: lower-case letters, digits and underscores")
        parser.add_argument(
            "--data", required=True, type=Path, metavar="TABLE", help="CSV, Parquet, JSON lines or .xlsx"
        )
        parser.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
        parser.add_argument(
            "--estimator",
            metavar="CLASS",
            help="such as sklearn.linear_model.Ridge (default: boosted trees, or a linear model if better)",
        )

    def handle(self, *, slug: str, data: Path, target: str, estimator: str | None, **options: Any) -> None:
        from predictor.training.drafting.draft import write_report
        from predictor.training.drafting.folder import start_model

        self.stderr.write(f"{slug}: reading {data}", style_func=str)
        draft = start_model(settings.MODELS_DIR, slug, data, target, estimator)
        self.stdout.write(write_report(draft))
