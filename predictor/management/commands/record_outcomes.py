import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django.db
from django.core.management.base import CommandError

from predictor.exceptions import OutcomeChanged
from predictor.formats import format_number
from predictor.management.base import SiteCommand, add_format
from predictor.models import Version
from predictor.outcomes.files import REFUSED, Entry, Judged, count_results, record_entries, write_refused
from predictor.scoring.outcome_file import read_entries
from predictor.texts import quote

MOST_LINES = 20


class Command(SiteCommand):
    """Record what really happened for many predictions, from a table with the columns id, or reference, and outcome.

    - The whole file is recorded or nothing; with --partial the valid rows are, and the others are reported.
    - Each value is checked against the target of its prediction's version. A number is in the unit of the data, also
      where pages show another one; a class is written as its code or its words.
    - A recorded outcome is replaced only with --correct, and the replaced one is kept.
    - References are those that clients gave, and each model has its own: --model names it.
    - Running it again changes nothing.
    """

    help = "Record what really happened for many predictions, from a table with the columns id and outcome."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            help="CSV, Parquet, JSON lines or .xlsx, numbers in the unit of the data; columns other than id and outcome"
            " are ignored; without a column id, predictions are named by a column reference",
        )
        parser.add_argument("--model", metavar="MODEL", help="whose predictions they are; references need it")
        parser.add_argument("--partial", action="store_true", help="record the valid rows, and skip the others")
        parser.add_argument("--correct", action="store_true", help="replace recorded outcomes by those of the file")
        parser.add_argument("--new-classes", action="store_true", help="accept classes that the model does not know")
        parser.add_argument("--dry-run", action="store_true", help="report, but store nothing")
        parser.add_argument("--by", type=read_name, default="command line", help="who records them, for the log")
        add_format(parser, of="report")

    def handle(self, *, file: Path, format: str, partial: bool, dry_run: bool, **options: Any) -> None:
        how = {name: options[name] for name in ("by", "correct", "new_classes")}
        try:
            entries = read_entries(file)
            how["model"] = choose_model(entries, options["model"])
            judged, stored = record_entries(entries, partial=partial, dry_run=dry_run, **how)
        except OutcomeChanged as error:
            raise CommandError(f"{file}: {error}.") from error
        except django.db.Error as error:
            raise CommandError(f"The database cannot be used, and nothing was stored: {str(error).strip()}") from error
        self.stdout.write(write_json(judged, stored) if format == "json" else write_text(judged, stored))
        refused = sum(each.result in REFUSED for each in judged)
        if refused and not partial:
            counts = write_refused(refused, len(judged))
            raise CommandError(
                f"{file}: {counts}, and nothing was stored: fix them, or record the others with --partial."
            )


def choose_model(entries: list[Entry], named: str | None) -> str | None:
    """The model whose predictions are meant: the named one, or where references need one, the only one.

    Raises CommandError.
    """
    models = Version.objects.list_models()
    if named is not None and named not in models:
        raise CommandError(f"There is no model {named!r}; the models are: {', '.join(models) or 'none'}.")
    if named is None and any(entry.reference for entry in entries):
        if len(models) != 1:
            raise CommandError("The file names predictions by reference: give --model, since each model has its own.")
        return models[0]
    return named


def read_name(text: str) -> str:
    if not 0 < len(text.strip()) <= 150 or not text.isprintable():
        raise argparse.ArgumentTypeError("a name has 1 to 150 printable characters")
    return text.strip()


def write_json(judged: list[Judged], stored: bool) -> str:
    rows = [
        {
            "line": each.entry.line,
            "id": each.entry.id,
            "reference": each.entry.reference,
            "outcome": each.entry.outcome,
            "result": each.result,
            "reason": each.reason,
        }
        for each in judged
    ]
    return json.dumps({"stored": stored, "counts": count_results(judged), "rows": rows}, indent=2)


def write_text(judged: list[Judged], stored: bool) -> str:
    """The number of rows by result, then the refused rows, at most 20 for each result."""
    counts = ", ".join(f"{format_number(count)} {result}" for result, count in count_results(judged).items())
    is_stored = stored and count_results(judged)["accepted"]
    return "\n".join([f"{counts}; {'stored' if is_stored else 'nothing stored'}", *_list_refused(judged)])


def _list_refused(judged: list[Judged]) -> Iterator[str]:
    for result in REFUSED:
        found = [each for each in judged if each.result == result]
        for each in found[:MOST_LINES]:
            entry, name = each.entry, each.entry.id or each.entry.reference
            yield f"  {result}  line {entry.line}  {quote(name)}  {quote(entry.outcome)}  {each.reason}"
        if len(found) > MOST_LINES:
            yield f"  {result}  and {format_number(len(found) - MOST_LINES)} more; all of them with --format json"
