"""Predicts for any number of rows, chunk by chunk; each chunk is committed before it is returned."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.utils import timezone

from predictor.models import Prediction
from predictor.schema.schema import Row
from predictor.scoring.storing import store_in_order, store_rows
from predictor.serving.answer import Answer
from predictor.serving.history import Stored, make_row
from predictor.serving.runtime import Runtime

ROWS_AT_ONCE = 4_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """One row, its answer, and the id under which both are stored."""

    id: UUID
    row: Row
    answer: Answer


def score_rows(runtime: Runtime, rows: Iterable[Row], source: Prediction.Source) -> Iterator[list[Scored]]:
    """Predict and store parsed rows, 4,000 at a time; yields each chunk once all of it is committed.

    Raises NoAnswer for a row that the model cannot answer, and otherwise as `store_in_order` does.
    """
    remaining = iter(rows)
    chunks = iter(lambda: list(islice(remaining, ROWS_AT_ONCE)), [])
    yield from store_in_order((_score_chunk(runtime, chunk, source) for chunk in chunks), store_rows)


def _score_chunk(runtime: Runtime, rows: list[Row], source: Prediction.Source) -> tuple[list[Scored], list[Stored]]:
    answers, duration_ms = runtime.answer(rows)
    created_at = timezone.now()
    stored = [
        make_row(runtime, row, answer, source, created_at, duration_ms)
        for row, answer in zip(rows, answers, strict=True)
    ]
    scored = [
        Scored(id=each["id"], row=row, answer=answer) for each, row, answer in zip(stored, rows, answers, strict=True)
    ]
    return scored, stored
