import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import django.db
from django.core.management.base import CommandError

from predictor.exceptions import MlsiteError
from predictor.formats import format_number, write_count
from predictor.management.base import SiteCommand, describe_error
from predictor.management.whole_file import write_whole
from predictor.texts import list_names, make_printable

if TYPE_CHECKING:
    from predictor.schema.schema import Schema
    from predictor.scoring.counted import CountedTable

T = TypeVar("T")
ROWS_AT_ONCE = 10_000
SECONDS_BETWEEN_REPORTS = 10
STANDARD = Path("-")


class Given(NamedTuple):
    """What is scored, with a folder for what is unpacked of it, and the output; None is the standard one."""

    file: Path
    folder: Path
    output: Path | None
    format: str
    history: bool
    is_shared: bool


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
            choices=["csv", "parquet", "parts"],
            help="of the output (default: parquet for a name that ends so, or csv); parts, only with --scheduler: a "
            "folder of Parquet files with a manifest",
        )
        parser.add_argument(
            "--history", choices=["all", "none"], default="all", help="whether answers are stored (default: all)"
        )
        parser.add_argument(
            "--scheduler", metavar="URL", help="have a Dask cluster score it, such as tcp://10.0.0.5:8786"
        )
        parser.add_argument(
            "--shared", action="store_true", help="with --scheduler: its workers read the input, at the same path"
        )

    def handle(
        self,
        *,
        model: str,
        input: Path,
        output: Path,
        format: str | None,
        history: str,
        scheduler: str | None,
        **options: Any,
    ) -> None:
        from predictor.scoring.scored_table import write_errors

        format = format or ("parquet" if output.suffix == ".parquet" else "csv")
        if format == "parts" and (scheduler is None or output == STANDARD):
            raise CommandError("--format parts needs --scheduler, and a folder that it makes.")
        if output == STANDARD and sys.stdout.isatty() and format == "parquet":
            raise CommandError("parquet is not for a terminal: name a file, or use a pipe.")
        if options["shared"] and (scheduler is None or input == STANDARD):
            raise CommandError("--shared needs --scheduler, and a file that the workers find at the same path.")
        with tempfile.TemporaryDirectory(prefix="score-") as folder, open_input(input) as file:
            target = None if output == STANDARD else output
            given = Given(file, Path(folder), target, format, history == "all", options["shared"])
            table = self.score_here(model, given) if scheduler is None else self.score_there(scheduler, model, given)
        kept = f", {format_number(table.stored)} stored" if history == "all" else ", none stored"
        self.say(f"{write_count(table.rows, 'row')}, {format_number(table.refused)} with an error{kept}")
        for line in write_errors(table.errors):
            self.say(line)

    def score_here(self, model: str, given: "Given") -> "CountedTable":
        from predictor.scoring.scored_table import ScoredTable
        from predictor.serving.service import service
        from predictor.tables.parts import read_parts
        from predictor.tables.parts_writing import PART_WRITERS

        runtime = service.get_runtime(model)
        _, columns, _, parts = read_parts(given.file, ROWS_AT_ONCE, given.folder)
        table = ScoredTable(runtime, list(columns), history=given.history)
        self.say_columns(runtime.schema, list(columns), table)
        with say_what_is_stored(table), closing(table.score(parts)) as scored, write_whole(given.output) as made:
            PART_WRITERS[given.format](self.report(table, scored), made)
        return table

    def score_there(self, url: str, model: str, given: "Given") -> "CountedTable":
        """The same on the Dask cluster of the scheduler at `url`."""
        from predictor.cluster.client import connect
        from predictor.cluster.pieces import divide
        from predictor.management.cluster_output import write_scored
        from predictor.scoring.on_cluster import ClusterTable
        from predictor.serving.service import service

        runtime = service.get_runtime(model)
        divided = divide(given.file, given.folder, is_shared=given.is_shared)
        kind: Literal["csv", "parquet"] = "csv" if given.format == "csv" else "parquet"
        table = ClusterTable(runtime.version, divided, format=kind, history=given.history)
        self.say_columns(runtime.schema, divided.columns, table)
        with say_what_is_stored(table), connect(url) as client, closing(table.score(client)) as scored:
            pieces = self.report(table, scored)
            write_scored(table, pieces, input=given.file, output=given.output, format=given.format)
        return table

    def say_columns(self, schema: "Schema", columns: list[str], table: "CountedTable") -> None:
        from predictor.scoring.scored_table import compare_columns

        for line in compare_columns(schema, columns):
            self.say(line)
        renamed = [name for column, name in table.names.items() if name != column]
        if renamed:
            self.say(f"the file has these columns already, so the added ones are named {list_names(renamed)}")

    def say(self, line: str) -> None:
        self.stderr.write(make_printable(line), style_func=str)

    def report(self, table: "CountedTable", parts: Iterator[T]) -> Iterator[T]:
        """Pass the parts on, and say every 10 s how many rows there were. Raises CommandError where there is none."""
        reported = time.monotonic()
        for part in parts:
            yield part
            if time.monotonic() - reported > SECONDS_BETWEEN_REPORTS:
                self.say(f"{write_count(table.rows, 'row')} …")
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
def say_what_is_stored(table: "CountedTable") -> Iterator[None]:
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


def describe_stored(table: "CountedTable") -> str:
    return f"; the answers to the first {format_number(table.stored)} valid rows are stored" if table.stored else ""
