import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from predictor.exceptions import MlsiteError
from predictor.management.base import SiteCommand
from predictor.management.progress import TerminalProgress
from predictor.management.registering import add_register_arguments, check_database, write_json, write_text


class Command(SiteCommand):
    """Import a model's file that was made elsewhere as a version of a model.

    - Loading a pickle runs any code in it: without --trust nothing is loaded, and nothing happens.
    - A format without code needs no --trust, and is first read in a limited process.
    - A model.toml without data describes the model: labels, units, [output]. The options go before it.
    - The bytes whose SHA-256 is shown and stored are the bytes that are loaded.
    - The model must predict every row of the sample before anything is stored.
    - It is registered, measured, signed and served like a version that was trained here. Its training rows are
      unknown, so it replaces no live version unless with --promote always.
    """

    help = "Import a model that was trained elsewhere (pickle, joblib, skops, ONNX, XGBoost, LightGBM) as a version."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the model that it becomes a version of, new or existing")
        parser.add_argument("file", type=Path, help="the file of the fitted model")
        parser.add_argument(
            "--data",
            type=Path,
            required=True,
            metavar="FILE",
            help="a local table with the model's features and the target",
        )
        parser.add_argument(
            "--target", metavar="COLUMN", help="the column that the model predicts (default: of its description)"
        )
        parser.add_argument("--trust", action="store_true", help="load a file that may contain code, which runs it")
        parser.add_argument("--title", help="its title on pages (default: of its description, or made from the slug)")
        parser.add_argument("--description", help="a sentence or two below the title")
        parser.add_argument("--show-data", action="store_true", help="show rows of the sample in the chart on pages")
        add_register_arguments(parser)

    def handle(self, *, slug: str, file: Path, trust: bool, format: str, **options: Any) -> None:
        # They import numpy, which `--help` need not wait for.
        from predictor.lifecycle.importing import ImportRequest, import_model
        from predictor.training.external.formats import describe_risk
        from predictor.training.external.model_file import read_model_file

        names = ("target", "title", "description", "show_data", "force", "dry_run")
        request = ImportRequest(
            by="command line",
            slug=slug,
            sample=options["data"],
            mode=options["promote"],
            **{name: options[name] for name in names},
        )
        try:
            risk = None if trust else describe_risk(file)
            if risk:
                raise CommandError(
                    f"{risk}. If you trust its origin, run this command again with --trust.", returncode=2
                )
            read = read_model_file(file)
            check_database()
            with TerminalProgress(self.stderr) as progress:
                done = import_model(settings.MODELS_DIR, read, request, progress)
        except MlsiteError as error:
            raise CommandError(f"{slug}: {error}") from error
        self.stdout.write(write_json([done]) if format == "json" else write_text([done]))
