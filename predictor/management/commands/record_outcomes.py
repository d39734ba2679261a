import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import django.db
from django.core.management.base import CommandError

from predictor.exceptions import OutcomeChanged
from predictor.formats import format_number
from predictor.management.base import SiteCommand, add_format
from predictor.models import Version
from predictor.outcomes.files import REFUSED, Judged, Sorting, write_refused
from predictor.outcomes.storing import store_rows
from predictor.scoring.outcome_file import OutcomeFile
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
        how = {name: options[name] for name in ("correct", "new_classes")}
        try:
            entries = OutcomeFile(file)
            sorting = Sorting(model=choose_model(entries, options["model"]), **how)
            report = REPORTS[format]()
            for each in sorting.judge(entries):
                report.add(each)
            is_stored = not dry_run and (partial or not sorting.refused)
            if is_stored:
                store_rows(sorting.rows, options["by"])
        except OutcomeChanged as error:
            raise CommandError(f"{file}: {error}.") from error
        except django.db.Error as error:
            raise CommandError(f"The database cannot be used, and nothing was stored: {str(error).strip()}") from error
        self.stdout.write(report.write(sorting.counts, is_stored))
        if sorting.refused and not partial:
            counts = write_refused(sorting.refused, entries.rows)
            raise CommandError(
                f"{file}: {counts}, and nothing was stored: fix them, or record the others with --partial."
            )


def choose_model(entries: OutcomeFile, named: str | None) -> str | None:
    """The model whose predictions are meant: the named one, or where references need one, the only one.

    Raises CommandError.
    """
    models = Version.objects.list_models()
    if named is not None and named not in models:
        raise CommandError(f"There is no model {named!r}; the models are: {', '.join(models) or 'none'}.")
    if named is None and entries.has_references:
        if len(models) != 1:
            raise CommandError("The file names predictions by reference: give --model, since each model has its own.")
        return models[0]
    return named


def read_name(text: str) -> str:
    if not 0 < len(text.strip()) <= 150 or not text.isprintable():
        raise argparse.ArgumentTypeError("a name has 1 to 150 printable characters")
    return text.strip()


class JsonReport:
    """Every row, with its result and reason."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []

    def add(self, judged: Judged) -> None:
        entry = judged.entry
        named = {name: getattr(entry, name) for name in ("line", "id", "reference", "outcome")}
        self._rows.append({**named, "result": judged.result, "reason": judged.reason})

    def write(self, counts: Mapping[str, int], is_stored: bool) -> str:
        return json.dumps({"stored": is_stored, "counts": counts, "rows": self._rows}, indent=2)


class TextReport:
    """The number of rows by result, then the refused rows, at most 20 for each result."""

    def __init__(self) -> None:
        self._refused: dict[str, list[Judged]] = {result: [] for result in REFUSED}

    def add(self, judged: Judged) -> None:
        refused = self._refused.get(judged.result)
        if refused is not None and len(refused) < MOST_LINES:
            refused.append(judged)

    def write(self, counts: Mapping[str, int], is_stored: bool) -> str:
        written = ", ".join(f"{format_number(count)} {result}" for result, count in counts.items())
        ending = "stored" if is_stored and counts["accepted"] else "nothing stored"
        return "\n".join([f"{written}; {ending}", *self._list_refused(counts)])

    def _list_refused(self, counts: Mapping[str, int]) -> Iterator[str]:
        for result, refused in self._refused.items():
            for each in refused:
                entry, name = each.entry, each.entry.id or each.entry.reference
                yield f"  {result}  line {entry.line}  {quote(name)}  {quote(entry.outcome)}  {each.reason}"
            if counts[result] > len(refused):
                more = format_number(counts[result] - len(refused))
                yield f"  {result}  and {more} more; all of them with --format json"


REPORTS: dict[str, type[JsonReport | TextReport]] = {"json": JsonReport, "text": TextReport}
