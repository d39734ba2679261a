"""Answers any number of rows: chunk by chunk, each of them committed before any of its answers is given."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice, repeat

from django.db import connection

from predictor.models import Prediction
from predictor.schema import Row
from predictor.serving.batch import make_predictions
from predictor.serving.history import insert_predictions
from predictor.serving.runtime import Runtime

ROWS_AT_ONCE = 2_000


def score_rows(runtime: Runtime, rows: Iterable[Row], source: Prediction.Source) -> Iterator[list[Prediction]]:
    """Predict and store parsed rows, 2,000 at a time; gives the predictions of each chunk once they are committed.

    While the database takes one chunk, over a connection of its own, the next is parsed and predicted: so memory stays
    flat. Raises NoAnswer for a row that the model cannot answer, and what the database raises; what was given until
    then is stored, and at most one chunk more.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="scoring") as writer:
        try:
            storing: Future[list[Prediction]] | None = None
            for chunk in _take_chunks(rows):
                made = make_predictions(runtime, chunk, repeat(source, len(chunk)))
                if storing is not None:
                    yield storing.result()
                storing = writer.submit(_store, made)
            if storing is not None:
                yield storing.result()
        finally:
            writer.submit(_hang_up).result()


def _take_chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, ROWS_AT_ONCE)):
        yield chunk


def _store(predictions: list[Prediction]) -> list[Prediction]:
    insert_predictions(predictions)
    return predictions


def _hang_up() -> None:
    connection.close()  # The calling thread's own.
