import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django.db
from django.core.management.base import CommandError

from predictor.exceptions import MlsiteError
from predictor.formats import format_number
from predictor.management.base import SiteCommand, describe_error
from predictor.management.whole_file import write_whole
from predictor.texts import list_names, make_printable

if TYPE_CHECKING:
    import polars as pl

    from predictor.scoring.scored_table import ScoredTable

ROWS_AT_ONCE = 4_000
SECONDS_BETWEEN_REPORTS = 10
STANDARD = Path("-")


class Command(SiteCommand):
    """Answer every row of a table: its own columns in their order, then the prediction and what belongs to it.

    - A row that is refused, or has no answer, has its error in a column, and the others are answered.
    - Each row is parsed, answered and warned about as the form and the API do it.
    - The memory does not grow with the file.
    - A file appears whole or not at all.
    - With --history all each answer is stored before it is written; where it is interrupted, it says how many are.
    - In CSV, a text that a spreadsheet would take for a formula has an apostrophe in front.
    """

    help = "Answer every row of a table, and write it with the predictions in columns after its own."
    stores_result = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("model", help="the model's slug")
        parser.add_argument("input", type=Path, help="CSV, Parquet, JSON lines or .xlsx; - is the standard input")
        parser.add_argument("output", type=Path, help="the file to write; - is the standard output")
        parser.add_argument(
            "--format",
            choices=["csv", "parquet"],
            help="of the output (default: parquet for a name that ends so, or csv)",
        )
        parser.add_argument(
            "--history", choices=["all", "none"], default="all", help="whether answers are stored (default: all)"
        )

    def handle(
        self, *, model: str, input: Path, output: Path, format: str | None, history: str, **options: Any
    ) -> None:
        from predictor.scoring.scored_table import ScoredTable, compare_columns, write_errors
        from predictor.serving.service import service
        from predictor.tables.parts import read_parts
        from predictor.tables.parts_writing import PART_WRITERS

        format = format or ("parquet" if output.suffix == ".parquet" else "csv")
        if output == STANDARD and sys.stdout.isatty() and format == "parquet":
            raise CommandError("parquet is not for a terminal: name a file, or use a pipe.")
        runtime = service.get_runtime(model)
        with tempfile.TemporaryDirectory(prefix="score-") as folder, open_input(input) as file:
            _, columns, _, parts = read_parts(file, ROWS_AT_ONCE, Path(folder))
            for line in compare_columns(runtime.schema, list(columns)):
                self.say(line)
            table = ScoredTable(runtime, list(columns), history=history == "all")
            renamed = [name for column, name in table.names.items() if name != column]
            if renamed:
                self.say(f"the file has these columns already, so the added ones are named {list_names(renamed)}")
            target = None if output == STANDARD else output
            with say_what_is_stored(table), closing(table.score(parts)) as scored, write_whole(target) as made:
                PART_WRITERS[format](self.report(table, scored), made)
        kept = f", {format_number(table.stored)} stored" if history == "all" else ", none stored"
        self.say(f"{format_number(table.rows)} rows, {format_number(table.refused)} with an error{kept}")
        for line in write_errors(table.errors):
            self.say(line)

    def say(self, line: str) -> None:
        self.stderr.write(make_printable(line), style_func=str)

    def report(self, table: "ScoredTable", frames: "Iterator[pl.DataFrame]") -> "Iterator[pl.DataFrame]":
        """Pass the frames on, and say every 10 s how many rows there were. Raises CommandError where there is none."""
        reported = time.monotonic()
        for frame in frames:
            yield frame
            if time.monotonic() - reported > SECONDS_BETWEEN_REPORTS:
                self.say(f"{format_number(table.rows)} rows …")
                reported = time.monotonic()
        if not table.rows:
            raise CommandError("The file has a header but no rows.")


@contextmanager
def open_input(file: Path) -> Iterator[Path]:
    """The file itself; what comes through a pipe is first written to the disk, since it is read more than once."""
    if file != STANDARD and (not file.exists() or file.is_file() or file.is_dir()):
        yield file
        return
    with tempfile.NamedTemporaryFile(prefix="score-") as kept:
        if file == STANDARD:
            shutil.copyfileobj(sys.stdin.buffer, kept)
        else:
            with file.open("rb") as pipe:
                shutil.copyfileobj(pipe, kept)
        kept.flush()
        yield Path(kept.name)


@contextmanager
def say_what_is_stored(table: "ScoredTable") -> Iterator[None]:
    """Turn what ends the command early, SIGINT and SIGTERM too, into a CommandError that says how much is stored."""
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt as error:
        raise CommandError(f"Interrupted{describe_stored(table)}.") from error
    except django.db.Error as error:
        raise CommandError(f"{describe_error(error).rstrip('.')}{describe_stored(table)}.") from error
    except (MlsiteError, CommandError, OSError) as error:
        raise CommandError(f"{str(error).rstrip('.')}{describe_stored(table)}.") from error
    finally:
        signal.signal(signal.SIGTERM, former)


def describe_stored(table: "ScoredTable") -> str:
    return f"; the answers to the first {format_number(table.stored)} valid rows are stored" if table.stored else ""
