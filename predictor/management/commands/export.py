import argparse
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError

from predictor.exceptions import ExportsBusy
from predictor.formats import write_count
from predictor.history.commands import BUSY, take_turn_of_pages
from predictor.history.exports import Export
from predictor.history.filters import Filters, find_reader, read_filters
from predictor.history.limits import check_inputs
from predictor.management.base import SiteCommand
from predictor.management.whole_file import write_whole
from predictor.tables.writing import WRITERS
from predictor.texts import quote


class Command(SiteCommand):
    """Write a model's stored predictions as a table: one row a prediction, the newest first, one column a feature.

    - Numbers are in the unit of the data, with all of their digits; moments are in UTC.
    - The memory does not grow with the number of predictions.
    - A file appears whole or not at all.
    - In CSV, a text that a spreadsheet would take for a formula has an apostrophe in front.
    """

    help = "Write a model's stored predictions as a table: one row a prediction, one column a feature."
    stores_result = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("model", help="the model's slug")
        parser.add_argument(
            "--where",
            action="append",
            default=[],
            metavar="name=value",
            type=read_pair,
            help="a filter as in the addresses of the admin's list, such as warned=yes, since=2026-03-01 or"
            " from.area=50; may be given several times",
        )
        parser.add_argument("--format", choices=list(WRITERS), default="csv", help="default: csv; jsonl is JSON lines")
        parser.add_argument("--output", type=Path, help="the file to write (default: the standard output)")
        parser.add_argument(
            "--for-page",
            action="store_true",
            help=f"fail with status {BUSY} while another process writes a file for a page",
        )

    def handle(
        self,
        *,
        model: str,
        where: list[tuple[str, str]],
        format: str,
        output: Path | None,
        for_page: bool,
        **options: Any,
    ) -> None:
        chosen = read_filters({**dict(where), "model": model})
        check_inputs(chosen)
        if output is None and sys.stdout.isatty() and format in ("parquet", "xlsx"):
            raise CommandError(f"{format} is not for a terminal: name a file by --output, or use a pipe.")
        try:
            with take_turn_of_pages() if for_page else nullcontext(), write_whole(output) as file:
                count = write(chosen, format, file)
        except ExportsBusy as error:
            raise CommandError(str(error), returncode=BUSY) from error
        self.stderr.write(write_count(count, "prediction"))


def read_pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{quote(text)} is not a filter: write name=value, such as warned=yes")
    if name == "model" or find_reader(name) is None:
        raise argparse.ArgumentTypeError(
            f"{quote(name)} is not the name of a filter: see “Filters” in docs/reviewing.md, or the admin's list"
        )
    return name, value


def write(filters: Filters, format: str, file: BinaryIO) -> int:
    """Write the predictions, and count them."""
    export, count = Export(filters), 0

    def read() -> Any:
        nonlocal count
        for rows in export.read():
            count += len(rows)
            yield rows

    WRITERS[format](export.columns, read(), file)
    return count
