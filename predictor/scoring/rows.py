"""Predicts for any number of rows, chunk by chunk; each chunk is committed before it is returned."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.db import connection
from django.utils import timezone

from predictor.models import Prediction, make_prediction_id
from predictor.schema.schema import Row
from predictor.serving.answer import Answer, describe_answer
from predictor.serving.history import Stored, insert_rows
from predictor.serving.runtime import Runtime

ROWS_AT_ONCE = 4_000
# In one transaction on SQLite, while all other writers wait.
ROWS_IN_A_TURN = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """One row, its answer, and the id under which both are stored."""

    id: UUID
    row: Row
    answer: Answer


def score_rows(runtime: Runtime, rows: Iterable[Row], source: Prediction.Source) -> Iterator[list[Scored]]:
    """Predict and store parsed rows, 4,000 at a time; yields each chunk once all of it is committed.

    While one chunk is stored, over a connection of its own, the next is parsed and predicted, so memory is bounded.
    SQLite is free for others half of the time. Raises NoAnswer for a row that the model cannot answer, and what the
    database raises; what was yielded until then is stored, and at most one chunk more.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="scoring") as writer:
        try:
            chunk: list[Scored] = []
            storing: Future[None] | None = None
            remaining = iter(rows)
            while taken := list(islice(remaining, ROWS_AT_ONCE)):
                scored, stored = _score_chunk(runtime, taken, source)
                # Submitted before the former chunk is done, so that the database never waits for this thread.
                following = writer.submit(_store, stored, storing)
                if storing is not None:
                    storing.result()
                    yield chunk
                chunk, storing = scored, following
            if storing is not None:
                storing.result()
                yield chunk
        finally:
            writer.submit(_hang_up).result()


def _score_chunk(runtime: Runtime, rows: list[Row], source: Prediction.Source) -> tuple[list[Scored], list[Stored]]:
    answers, duration_ms = runtime.answer(rows)
    created_at = timezone.now()
    scored = [
        Scored(id=make_prediction_id(), row=row, answer=answer) for row, answer in zip(rows, answers, strict=True)
    ]
    stored: list[Stored] = [
        {
            "id": each.id,
            "version_id": runtime.version.id,
            **describe_answer(runtime.schema, each.row, each.answer),
            "source": source,
            "created_at": created_at,
            "duration_ms": duration_ms,
        }
        for each in scored
    ]
    return scored, stored


def _store(stored: list[Stored], ahead: "Future[None] | None") -> None:
    """Insert a chunk, unless the one before it failed: nothing is stored after a gap."""
    if ahead is not None:
        ahead.result()
    STORES.get(connection.vendor, insert_rows)(stored)


def _store_in_turns(stored: Sequence[Stored]) -> None:
    """Pause as long as each piece took, so that other writers of SQLite, which retry within 100 ms, get a turn."""
    for start in range(0, len(stored), ROWS_IN_A_TURN):
        began = time.monotonic()
        insert_rows(stored[start : start + ROWS_IN_A_TURN])
        time.sleep(time.monotonic() - began)


STORES: dict[str, Callable[[Sequence[Stored]], None]] = {"sqlite": _store_in_turns}


def _hang_up() -> None:
    connection.close()  # The calling thread's own.
