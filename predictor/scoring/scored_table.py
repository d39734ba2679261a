"""A table with its answers: its own columns in their order, and those of the answers after them."""

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing

import polars as pl

from predictor.answering.described import describe_columns
from predictor.answering.parts import TableModel
from predictor.exceptions import DatasetError
from predictor.formats import format_number
from predictor.history.hiding import hash_inputs
from predictor.schema.schema import Schema
from predictor.scoring.counted import CountedTable
from predictor.scoring.stored_table import complete, store_table
from predictor.scoring.storing import store_in_order
from predictor.serving.runtime import Runtime
from predictor.tables.part import Part
from predictor.texts import list_names

# A part with its answers, and what is wrong with its rows, as `ScoredColumns.kinds`.
Scored = tuple[pl.DataFrame, Mapping[int, Sequence[tuple[str, str]]]]


class ScoredTable(CountedTable):
    """Scores the parts of a table, and stores what is to be stored of them."""

    def __init__(self, runtime: Runtime, columns: Sequence[str], *, history: bool) -> None:
        super().__init__()
        self._runtime, self._history = runtime, history
        self._model = TableModel.fit_columns(runtime, columns, runtime.version.decimals, history=history)
        self.names = self._model.names

    def score(self, parts: Iterator[Part]) -> Generator[pl.DataFrame, None, None]:
        """The table, part by part, each once what is to be stored of it is committed."""
        with closing(self._store(self._score_part(part) for part in parts)) as chunks:
            for chunk in chunks:
                yield self._count_errors(chunk)

    def score_part(self, part: Part) -> tuple[pl.DataFrame, pl.DataFrame]:
        """A part with its answers, and what the caller is to store of them."""
        chunk, stored = self._score_part(part)
        return self._count_errors(chunk), stored

    def _count_errors(self, chunk: Scored) -> pl.DataFrame:
        frame, kinds = chunk
        self.rows += len(frame)
        self.refused += len(kinds)
        self.errors.update(kind for each in kinds.values() for kind in each)
        return frame

    def _score_part(self, part: Part) -> tuple[Scored, pl.DataFrame]:
        began = time.time_ns()
        scored, parsed = self._model.score(part)
        stored, ids = pl.DataFrame(), None
        if self._history:
            stored, ids = describe_columns(self._runtime.schema, parsed, scored, began, hash_inputs)
            stored = complete(stored, self._runtime.version.pk)
        return (self._model.add_columns(part, scored, ids), scored.kinds), stored

    def _store(self, chunks: Iterator[tuple[Scored, pl.DataFrame]]) -> Generator[Scored, None, None]:
        if self._history:
            return store_in_order(chunks, store_table, self._count)
        return (scored for scored, _ in chunks)

    def _count(self, rows: int) -> None:
        self.stored += rows


def compare_columns(schema: Schema, columns: Sequence[str]) -> list[str]:
    """What is to be said of a table's columns before it is scored. Raises DatasetError where it lacks needed ones."""
    missing = [feature for feature in schema.features if feature.name not in columns]
    unknown = [name for name in columns if name not in schema.by_name]
    said = []
    if missing:
        said.append(f"not in the file: {list_names([feature.name for feature in missing])}")
    if unknown:
        said.append(f"unknown to the model, and only copied: {list_names(unknown)}")
    needed = [feature.name for feature in missing if feature.required]
    if needed:
        raise DatasetError(
            f"Columns that the model needs are missing: {list_names(needed)}. The file has {list_names(columns)}.",
            code="missing",
            columns=needed,
        )
    return said


def write_errors(errors: Mapping[tuple[str, str], int], most: int = 20) -> Iterator[str]:
    """A line for each kind of error, the most frequent first."""
    ordered = sorted(errors.items(), key=lambda item: -item[1])
    for (field, code), count in ordered[:most]:
        yield f"  {format_number(count)}  {code}{f'  {field}' if field else ''}"
    if len(ordered) > most:
        yield f"  and {format_number(len(ordered) - most)} more kinds"
