"""Scores a kept file as a job: each chunk is committed with its part of the result and the place to go on."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from django.db import connection, transaction

from predictor import jobs
from predictor.exceptions import DatasetError, ModelRetired
from predictor.files.keeping import append, check_space, find_expiry, find_kept, split, spool
from predictor.files.results import MEDIA_TYPE, pack_part
from predictor.files.space import estimate_space
from predictor.formats import format_number
from predictor.history.retention import give_way
from predictor.models import KeptFile, Retirement, Version
from predictor.models.prediction import make_prediction_id_text
from predictor.scoring.kept_on_cluster import Packed, find_cluster, score_there
from predictor.scoring.scored_table import ScoredTable, compare_columns
from predictor.scoring.stored_table import insert_table
from predictor.serving.runtime import Runtime, load_runtime
from predictor.serving.service import service
from predictor.tables.parquet_footer import MOST_BYTES_OF_A_ROW_GROUP
from predictor.tables.parts import read_parts
from predictor.tables.places import BEGINNING, Place

ROWS_AT_ONCE = 10_000
# On SQLite all other writers wait until a chunk is committed.
ROWS_AT_ONCE_ON_SQLITE = 1_000
# All cells of a workbook are in memory, each with up to 68 bytes.
MOST_ROWS_OF_A_WORKBOOK, MOST_CELLS_OF_A_WORKBOOK = 100_000, 1_200_000


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """What is done, and where to go on: `version` answers the whole file, whatever goes live meanwhile.

    `file` is that of the result, of which so many `chunks` are written; `errors` are counted by code and field.
    """

    version: int
    file: str
    chunks: int = 0
    place: Place = BEGINNING
    rows: int = 0
    refused: int = 0
    errors: dict[str, int] = {}


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Rows with their answers: what is stored of them, their part of the result, and what is done with them."""

    stored: pl.DataFrame
    pieces: list[bytes]
    cursor: Cursor


def score_kept_file(held: jobs.Held) -> None:
    """Answer every row of the file that the job names, and end the job. Raises MlsiteError."""
    file = find_kept(held.job.arguments["file"])
    with tempfile.TemporaryDirectory(prefix="score-") as folder:
        spooled = Path(folder) / "file"
        jobs.report(held, "reading the file", done=held.job.done, total=held.job.total)
        spool(file, spooled)
        FileScoring(held, file, spooled).run()


class FileScoring:
    """One attempt at a job, from its cursor on."""

    def __init__(self, held: jobs.Held, file: KeptFile, spooled: Path) -> None:
        self._held, self._file = held, file
        self._history = bool(held.job.arguments.get("history"))
        runtime, self._cursor = self._begin()
        rows = ROWS_AT_ONCE_ON_SQLITE if connection.vendor == "sqlite" else ROWS_AT_ONCE
        self._parts = read_parts(
            spooled,
            rows,
            spooled.parent,
            name=file.name,
            start=self._cursor.place,
            most_bytes_of_a_row_group=MOST_BYTES_OF_A_ROW_GROUP,
        )
        self._said = compare_columns(runtime.schema, list(self._parts.columns))
        self._number = runtime.version.number
        self._table = ScoredTable(runtime, list(self._parts.columns), history=self._history)
        self._table.rows, self._table.refused = self._cursor.rows, self._cursor.refused
        self._cluster = find_cluster(runtime.version, file, spooled, start=self._cursor.place, history=self._history)
        self._table.errors = Counter({_read_error(name): count for name, count in self._cursor.errors.items()})
        if not self._cursor.rows:
            self._check(runtime)

    def run(self) -> None:
        jobs.report(self._held, "answering rows", done=self._cursor.rows, total=self._parts.rows)
        # While a chunk is committed, the next one is made; only this thread has a connection.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="scoring") as maker:
            chunks = self._make_chunks()
            coming = maker.submit(next, chunks, None)
            while chunk := coming.result():
                coming = maker.submit(next, chunks, None)
                self._commit(chunk)
        self._finish()

    def _begin(self) -> tuple[Runtime, Cursor]:
        """The version that answers, and where: the live one at the beginning, and the same one ever after."""
        if self._held.job.cursor is None:
            runtime = service.get_runtime(self._held.job.model)
            return runtime, Cursor(version=runtime.version.pk, file=make_prediction_id_text())
        cursor = msgspec.convert(self._held.job.cursor, Cursor)
        version = Version.objects.get(pk=cursor.version)
        if retired := Retirement.objects.in_force().filter(model=version.model).first():
            raise ModelRetired(version.model, version.shown_title, retired.recorded_at)
        return load_runtime(version), cursor

    def _check(self, runtime: Runtime) -> None:
        """Raise DatasetError or NoSpace before anything is stored."""
        rows, schema = self._parts.rows, runtime.schema
        if self._parts.format == "xlsx":
            check_workbook(self._file.name, rows, rows * len(self._parts.columns))
        inputs, classes = len(schema.features), len(schema.target.classes)
        space = estimate_space(self._file.size, rows, inputs=inputs, classes=classes, history=self._history)
        check_space(space.result)

    def _make_chunks(self) -> Iterator[Chunk]:
        cursor = self._cursor
        scored = self._score_here() if self._cluster is None else score_there(self._cluster, self._table)
        for packed, stored, after in scored:
            pieces = split(packed)
            cursor = msgspec.structs.replace(
                cursor,
                chunks=cursor.chunks + len(pieces),
                place=after,
                rows=self._table.rows,
                refused=self._table.refused,
                errors={_name_error(*kind): count for kind, count in self._table.errors.items()},
            )
            yield Chunk(stored=stored, pieces=pieces, cursor=cursor)

    def _score_here(self) -> Iterator[Packed]:
        for part in self._parts.parts:
            frame, stored = self._table.score_part(part)
            yield pack_part(frame), stored, part.after

    def _commit(self, chunk: Chunk) -> None:
        former, self._cursor = self._cursor, chunk.cursor
        cursor, done = msgspec.to_builtins(chunk.cursor), chunk.cursor.rows
        with give_way_on_sqlite(), jobs.commit_chunk(self._held, cursor=cursor, done=done, total=self._parts.rows):
            if not former.chunks:
                self._make_result()
            append(former.file, chunk.pieces, former.chunks)
            if len(chunk.stored):
                insert_table(chunk.stored)

    def _make_result(self) -> None:
        KeptFile.objects.create(
            pk=self._cursor.file,
            name=self._file.name,
            media_type=MEDIA_TYPE,
            made_by=self._held.job.made_by,
            job=self._held.job,
        )

    def _finish(self) -> None:
        cursor = self._cursor
        if not cursor.rows:
            raise DatasetError(f"{self._file.name} has a header but no rows.", code="no_rows")
        with transaction.atomic(durable=True):
            jobs.report(self._held, "", done=cursor.rows, total=cursor.rows)
            KeptFile.objects.filter(pk=cursor.file).update(is_whole=True, expires_at=find_expiry())
            jobs.finish(self._held, self._describe())

    def _describe(self) -> dict[str, Any]:
        """What stays of a job that is done when its files are deleted, and the SHA-256 of the scored file.

        `newer` is the version that is live by then, where it is another.
        """
        cursor = self._cursor
        live = Version.objects.find_live(self._held.job.model)
        return {
            "file": cursor.file,
            "sha256": self._file.sha256,
            "rows": cursor.rows,
            "refused": cursor.refused,
            "errors": cursor.errors,
            "version": self._number,
            "newer": live.number if live is not None and live.pk != cursor.version else None,
            "columns": self._said,
        }


def check_workbook(name: str, rows: int, cells: int) -> None:
    """Raise DatasetError for a workbook that takes too much memory."""
    if rows > MOST_ROWS_OF_A_WORKBOOK or cells > MOST_CELLS_OF_A_WORKBOOK:
        limits = f"{format_number(MOST_ROWS_OF_A_WORKBOOK)} rows and {format_number(MOST_CELLS_OF_A_WORKBOOK)} cells"
        counts = f"{format_number(rows)} rows and {format_number(cells)} cells"
        is_long = rows > MOST_ROWS_OF_A_WORKBOOK
        code, limit = (
            ("too_many_rows", MOST_ROWS_OF_A_WORKBOOK) if is_long else ("too_many_cells", MOST_CELLS_OF_A_WORKBOOK)
        )
        problem = f"{name} has {counts}, and {limits} are the most of a workbook: save it as CSV."
        raise DatasetError(problem, code=code, limit=limit)


def _name_error(field: str, code: str) -> str:
    return f"{code}/{field}" if field else code


def _read_error(name: str) -> tuple[str, str]:
    code, _, field = name.partition("/")
    return field, code


@contextmanager
def give_way_on_sqlite() -> Iterator[None]:
    if connection.vendor != "sqlite":
        yield
        return
    with give_way():
        yield
