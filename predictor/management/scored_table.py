"""A table with its answers: its own columns in their order, and those of the answers after them."""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import polars as pl
from django.core.management.base import CommandError

from predictor.formats import format_number
from predictor.schema.schema import Schema
from predictor.schema.values import write_value
from predictor.scoring.columns import ScoredColumns, score_columns
from predictor.scoring.storing import store_in_order
from predictor.serving.history import Stored
from predictor.serving.runtime import Runtime
from predictor.serving.trials import Trial
from predictor.tables.parts import Part
from predictor.texts import list_names

# In front of the name of an added column that the file has already.
PREFIX = "mlsite_"
Scored = tuple[Part, ScoredColumns]


class ScoredTable:
    """Scores the parts of a table, and counts rows and errors; `stored` are the rows in the database so far."""

    def __init__(self, runtime: Runtime, columns: Sequence[str], *, history: bool) -> None:
        self.rows = self.refused = self.stored = 0
        # By field and code.
        self.errors: Counter[tuple[str, str]] = Counter()
        self._runtime, self._history = runtime, history
        self._features = [feature for feature in runtime.schema.features if feature.name in columns]
        self.names = name_added(runtime.schema, columns, history=history)

    def score(self, parts: Iterator[Part]) -> Generator[pl.DataFrame, None, None]:
        """The table, part by part, each once what is to be stored of it is committed."""
        with closing(self._store(self._score_part(part) for part in parts)) as chunks:
            for part, scored in chunks:
                self.rows += len(part)
                self.refused += len(scored.kinds)
                self.errors.update(kind for kinds in scored.kinds.values() for kind in kinds)
                yield part.frame.hstack(self._make_columns(scored))

    def _score_part(self, part: Part) -> tuple[Scored, list[Stored]]:
        columns = {feature.name: part.list_cells(feature) for feature in self._features}
        scored, stored = score_columns(self._runtime, columns, part.problems, count=len(part), history=self._history)
        return (part, scored), stored

    def _store(self, chunks: Iterator[tuple[Scored, list[Stored]]]) -> Generator[Scored, None, None]:
        if self._history:
            return store_in_order(chunks, self._count)
        return (scored for scored, _ in chunks)

    def _count(self, rows: int) -> None:
        self.stored += rows

    def _make_columns(self, scored: ScoredColumns) -> list[pl.Series]:
        made = self._write_answers(scored) | {"warnings": scored.warnings, "id": scored.ids, "error": scored.errors}
        is_number = self._runtime.schema.target.task == "regression"
        numbers = {"prediction", "lower", "upper"} if is_number else {name for name in made if name.startswith("prob")}
        return [
            pl.Series(name, made[column], pl.Float64 if column in numbers else pl.String)
            for column, name in self.names.items()
        ]

    def _write_answers(self, scored: ScoredColumns) -> dict[str, Sequence[object]]:
        target = self._runtime.schema.target
        texts = {"text": self._write_texts(scored)} if target.has_words else {}
        if target.task == "regression":
            ends = [each or (None, None) for each in scored.intervals]
            return {"prediction": scored.outputs, **texts, "lower": [a for a, _ in ends], "upper": [b for _, b in ends]}
        nothing: list[float | None] = [None] * len(scored)
        written = {label: write_value(label) for label in target.classes}
        shares = {f"probability_{name}": scored.probabilities.get(name, nothing) for name in written.values()}
        outputs = [None if label is None else written[label] for label in scored.outputs]  # type: ignore[index]
        return {"prediction": outputs, **texts, **shares}

    def _write_texts(self, scored: ScoredColumns) -> list[str | None]:
        """Predictions as pages show them, in English."""
        return [
            None if output is None else self._write_text(output, interval)
            for output, interval in zip(scored.outputs, scored.intervals, strict=True)
        ]

    def _write_text(self, output: Any, interval: Any) -> str:
        empty: dict[str, Any] = {"inputs": {}, "probabilities": None, "warnings": [], "warning_codes": None}
        return str(Trial(version=self._runtime.version, output=output, interval=interval, **empty).written_output)


def name_added(schema: Schema, columns: Sequence[str], *, history: bool) -> dict[str, str]:
    """The added columns in their order, with the name of each: one that the file has already gets a prefix."""
    target = schema.target
    added = ["prediction", *(["text"] if target.has_words else [])]
    if target.task == "regression":
        added += ["lower", "upper"]
    added += [f"probability_{write_value(label)}" for label in target.classes]
    names: dict[str, str] = {}
    for column in [*added, "warnings", *(["id"] if history else []), "error"]:
        name = column
        while name in columns or name in names.values():
            name = PREFIX + name
        names[column] = name
    return names


def compare_columns(schema: Schema, columns: Sequence[str]) -> list[str]:
    """What is to be said of a table's columns before it is scored. Raises CommandError where it lacks needed ones."""
    missing = [feature for feature in schema.features if feature.name not in columns]
    unknown = [name for name in columns if name not in schema.by_name]
    said = []
    if missing:
        said.append(f"not in the file: {list_names([feature.name for feature in missing])}")
    if unknown:
        said.append(f"unknown to the model, and only copied: {list_names(unknown)}")
    needed = [feature.name for feature in missing if feature.required]
    if needed:
        raise CommandError(
            f"Columns that the model needs are missing: {list_names(needed)}. The file has {list_names(columns)}."
        )
    return said


def write_errors(errors: Mapping[tuple[str, str], int], most: int = 20) -> Iterator[str]:
    """A line for each kind of error, the most frequent first."""
    ordered = sorted(errors.items(), key=lambda item: -item[1])
    for (field, code), count in ordered[:most]:
        yield f"  {format_number(count)}  {code}{f'  {field}' if field else ''}"
    if len(ordered) > most:
        yield f"  and {format_number(len(ordered) - most)} more kinds"
