import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import django.db
from django.core.management.base import CommandError

from predictor.exceptions import OutcomeChanged
from predictor.formats import format_number
from predictor.management.base import SiteCommand
from predictor.outcomes.files import REFUSED, Entry, Judged, Result, record_entries
from predictor.texts import quote

MOST_LINES = 20
HINT = 'a text with a comma, a quote or a line end is written as "a ""quoted"", separated text"'


class Command(SiteCommand):
    """Record what really happened for many predictions, from a CSV file with the columns id and outcome.

    - The whole file is recorded or nothing; with --partial the valid rows are, and the others are reported.
    - Each value is checked against the target of its prediction's version.
    - A recorded outcome is replaced only with --correct, and the replaced one is kept.
    - Running it again changes nothing.
    """

    help = "Record what really happened for many predictions, from a CSV file with the columns id and outcome."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV in UTF-8; columns other than id and outcome are ignored")
        parser.add_argument("--partial", action="store_true", help="record the valid rows, and skip the others")
        parser.add_argument("--correct", action="store_true", help="replace recorded outcomes by those of the file")
        parser.add_argument("--new-classes", action="store_true", help="accept classes that the model does not know")
        parser.add_argument("--dry-run", action="store_true", help="report, but store nothing")
        parser.add_argument("--by", type=read_name, default="command line", help="who records them, for the log")
        parser.add_argument(
            "--format", choices=["text", "json"], default="text", help="format of the report (default: text)"
        )

    def handle(self, *, file: Path, format: str, partial: bool, dry_run: bool, **options: Any) -> None:
        how = {name: options[name] for name in ("by", "correct", "new_classes")}
        try:
            judged, stored = record_entries(list(read_entries(file)), partial=partial, dry_run=dry_run, **how)
        except OutcomeChanged as error:
            raise CommandError(f"{file}: {error}.") from error
        except django.db.Error as error:
            raise CommandError(f"The database cannot be used, and nothing was stored: {str(error).strip()}") from error
        self.stdout.write(write_json(judged, stored) if format == "json" else write_text(judged, stored))
        refused = sum(each.result in REFUSED for each in judged)
        if refused and not partial:
            counts = f"{format_number(refused)} of {format_number(len(judged))} rows"
            raise CommandError(
                f"{file}: {counts} are refused, and nothing was stored: fix them, or record the others with --partial."
            )


def read_name(text: str) -> str:
    if not 0 < len(text.strip()) <= 150 or not text.isprintable():
        raise argparse.ArgumentTypeError("a name has 1 to 150 printable characters")
    return text.strip()


def read_entries(file: Path) -> Iterator[Entry]:
    """Read the rows of a CSV file; raise CommandError that names the file and the line."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            yield from _read_rows(file, csv.reader(opened, strict=True))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8: save it as “CSV UTF-8”.") from error


def _read_rows(file: Path, reader: Any) -> Iterator[Entry]:
    first_line = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        places = [_find_column(file, header, name) for name in ("id", "outcome")]
        first_line = reader.line_num + 1
        for row in reader:
            if len(row) == len(header):
                id, outcome = (row[place] for place in places)
                yield Entry(line=first_line, id=id, outcome=outcome)
            elif row:
                yield Entry(line=first_line, problem=f"{len(row)} values for {len(header)} columns")
            first_line = reader.line_num + 1
    except csv.Error as error:
        # The first line of the row: a quote that is never closed is found at the end of the file.
        raise CommandError(f"{file}, line {first_line}: {error}; {HINT}.") from error


def _find_column(file: Path, header: list[str], name: str) -> int:
    if header.count(name) != 1:
        found = ", ".join(quote(each) for each in header[:MOST_LINES]) or "nothing"
        problem = f"one column {name!r} is needed, and columns are separated by commas; it has {found}"
        raise CommandError(f"{file}, line 1: {problem}.")
    return header.index(name)


def write_json(judged: list[Judged], stored: bool) -> str:
    rows = [
        {
            "line": each.entry.line,
            "id": each.entry.id,
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


def count_results(judged: list[Judged]) -> dict[str, int]:
    results = [each.result for each in judged]
    return {result: results.count(result) for result in get_args(Result)}


def _list_refused(judged: list[Judged]) -> Iterator[str]:
    for result in REFUSED:
        found = [each for each in judged if each.result == result]
        for each in found[:MOST_LINES]:
            entry = each.entry
            yield f"  {result}  line {entry.line}  {quote(entry.id)}  {quote(entry.outcome)}  {each.reason}"
        if len(found) > MOST_LINES:
            yield f"  {result}  and {format_number(len(found) - MOST_LINES)} more; all of them with --format json"
