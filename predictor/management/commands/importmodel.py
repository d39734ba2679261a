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
    """Bring a pickle or joblib file that was made elsewhere into the registry.

    - Loading such a file runs any code in it: without --trust nothing is loaded, and nothing happens.
    - The bytes whose SHA-256 is shown and stored are the bytes that are loaded.
    - The model must answer every row of the sample before anything is stored.
    - It is registered, judged, signed and served like a version that was trained here; as it is not known which
      rows it was trained on, it replaces no live version unless with --promote always.
    """

    help = "Bring a model that was fitted elsewhere (pickle or joblib) into the registry."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the model that this becomes a version of; a new one, or one that there is")
        parser.add_argument("file", type=Path, help="the fitted estimator, by pickle or joblib")
        parser.add_argument(
            "--data", type=Path, required=True, metavar="FILE", help="a local table: its features and the target"
        )
        parser.add_argument("--target", required=True, metavar="COLUMN", help="the column that the model predicts")
        parser.add_argument("--trust", action="store_true", help="load the file, which runs any code in it")
        parser.add_argument("--title", help="what pages call the model (made from the slug)")
        parser.add_argument("--description", default="", help="a sentence or two below the title")
        parser.add_argument("--show-data", action="store_true", help="draw rows of the sample on pages")
        add_register_arguments(parser)

    def handle(self, *, slug: str, file: Path, trust: bool, format: str, **options: Any) -> None:
        # They bring numpy, which `--help` need not wait for.
        from predictor.lifecycle.importing import ImportRequest, import_model
        from predictor.training.external.model_file import read_model_file

        names = ("target", "description", "show_data", "force", "dry_run")
        request = ImportRequest(
            by="command line",
            slug=slug,
            title=options["title"] or slug.replace("_", " ").capitalize(),
            sample=options["data"],
            mode=options["promote"],
            **{name: options[name] for name in names},
        )
        try:
            read = read_model_file(file)
            if not trust:
                raise CommandError(
                    f"{file} is {read.looks} of {len(read.content):,} bytes, SHA-256 {read.sha256}. It was not loaded:"
                    " loading it runs any code in it, whoever wrote that, with all that you may do here. If you know"
                    " where it comes from, run this again with --trust.",
                    returncode=2,
                )
            check_database()
            with TerminalProgress(self.stderr) as progress:
                if (settings.MODELS_DIR / slug / "model.toml").exists():
                    progress(f"{slug}: there is a recipe of this name; it is not used, and retrain goes on with it")
                done = import_model(read, request, progress)
        except MlsiteError as error:
            raise CommandError(f"{slug}: {error}") from error
        self.stdout.write(write_json([done]) if format == "json" else write_text([done]))
