import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from predictor.exceptions import MlsiteError
from predictor.management.base import SiteCommand
from predictor.management.progress import TerminalProgress
from predictor.management.registering import add_register_arguments, check_database, write_json, write_text


def parse_pair(text: str) -> tuple[str, str]:
    """Split NAME=VALUE at its first "="."""
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise argparse.ArgumentTypeError(f"{text!r} must have the form NAME=VALUE")
    return name, value


def parse_prefix(text: str) -> tuple[str, str]:
    """Split COLUMN=PREFIX at its first "="; a prefix may be empty."""
    column, separator, prefix = text.partition("=")
    if not (column and separator):
        raise argparse.ArgumentTypeError(f"{text!r} must have the form COLUMN=PREFIX")
    return column, prefix


def parse_step(text: str) -> tuple[str, tuple[str, ...]]:
    """Split PART, or PART=COLUMN,COLUMN."""
    name, _, columns = text.partition("=")
    return name, tuple(column.strip() for column in columns.split(",") if column.strip())


def add_part_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what the parts of the files are for, where they do not tell."""
    parser.add_argument("--estimator", metavar="PART", help="the part that predicts, where several can")
    parser.add_argument(
        "--steps",
        nargs="*",
        type=parse_step,
        metavar="PART",
        help="the parts that prepare its inputs, in the order of their use; PART=COLUMN,… for some columns",
    )
    parser.add_argument(
        "--columns",
        metavar="PART",
        help="the part that names its columns, where several may; or their names, as A,B,…",
    )
    parser.add_argument(
        "--encoder",
        action="append",
        default=[],
        type=parse_pair,
        metavar="PART=COLUMN",
        help="the column that a LabelEncoder has encoded; may be repeated",
    )
    parser.add_argument(
        "--dropped",
        action="append",
        default=[],
        type=parse_pair,
        metavar="COLUMN=CATEGORY",
        help="the category for which get_dummies(drop_first=True) made no column; may be repeated",
    )
    parser.add_argument(
        "--dummies",
        action="append",
        default=[],
        type=parse_prefix,
        metavar="COLUMN=PREFIX",
        help="what get_dummies wrote before each category, where it is not the column's name and _; may be repeated",
    )
    parser.add_argument(
        "--text",
        action="append",
        default=[],
        metavar="COLUMN",
        help="a column that the model takes as a text, where that is not found; may be repeated",
    )
    parser.add_argument(
        "--terms",
        choices=["dense", "sparse"],
        help="how it was given the terms of a vectoriser: as that gives them (sparse), or by toarray() (dense)",
    )


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
        parser.add_argument(
            "files",
            nargs="+",
            type=Path,
            metavar="file",
            help="the file of the fitted model; further files of what prepares its inputs",
        )
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
        parser.add_argument("--trust", action="store_true", help="load files that may contain code, which runs it")
        add_part_arguments(parser)
        parser.add_argument("--title", help="its title on pages (default: of its description, or made from the slug)")
        parser.add_argument("--description", help="a sentence or two below the title")
        parser.add_argument("--show-data", action="store_true", help="show rows of the sample in the chart on pages")
        add_register_arguments(parser)

    def handle(self, *, slug: str, files: list[Path], trust: bool, format: str, **options: Any) -> None:
        # They import numpy, which `--help` need not wait for.
        from predictor.lifecycle.importing import ImportRequest, import_model
        from predictor.training.external.formats import describe_risk
        from predictor.training.external.model_file import read_model_file
        from predictor.training.external.parts import Hints

        names = ("target", "title", "description", "show_data", "force", "dry_run")
        request = ImportRequest(
            by="command line",
            slug=slug,
            sample=options["data"],
            mode=options["promote"],
            hints=Hints(
                estimator=options["estimator"],
                columns=options["columns"],
                steps=None if options["steps"] is None else dict(options["steps"]),
                encoders=dict(options["encoder"]),
                dropped=dict(options["dropped"]),
                dummies=dict(options["dummies"]),
                texts=tuple(options["text"]),
                terms=options["terms"],
            ),
            **{name: options[name] for name in names},
        )
        try:
            risks = [] if trust else [risk for file in files if (risk := describe_risk(file))]
            if risks:
                raise CommandError(
                    f"{'. '.join(risks)}. If you trust where it comes from, run this command again with --trust.",
                    returncode=2,
                )
            read = [read_model_file(file) for file in files]
            check_database()
            with TerminalProgress(self.stderr) as progress:
                done = import_model(settings.MODELS_DIR, read, request, progress)
        except MlsiteError as error:
            raise CommandError(f"{slug}: {error}") from error
        self.stdout.write(write_json([done]) if format == "json" else write_text([done]))
