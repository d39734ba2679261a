"""Answers several requests at once: one predict a version, one INSERT and one commit for all of them."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from django.db import Error, connection

from predictor.exceptions import copy_error
from predictor.models import Prediction
from predictor.schema.schema import Row
from predictor.serving.history import describe_answer, insert_predictions
from predictor.serving.outages import is_cancelled
from predictor.serving.runtime import Answer, Runtime

T = TypeVar("T")
SECONDS_BETWEEN_TRIES = 0.1


@dataclass(kw_only=True, eq=False)
class Job:
    """One request: its rows are all stored or none of them. It finishes with what was committed, or with an error."""

    runtime: Runtime
    rows: Sequence[Row]
    source: Prediction.Source
    predicted: list[Prediction] = field(default_factory=list, init=False)
    _finished: threading.Event = field(default_factory=threading.Event, init=False)
    _outcome: list[Prediction] | Exception = field(default_factory=list, init=False)

    @property
    def is_predicted(self) -> bool:
        """Whether nothing is left to do but to store it; a large job gets there piece by piece."""
        return len(self.predicted) == len(self.rows)

    @property
    def is_finished(self) -> bool:
        return self._finished.is_set()

    def finish(self, outcome: list[Prediction] | Exception) -> None:
        self._outcome = outcome
        self._finished.set()

    def wait(self, seconds: float) -> bool:
        """Whether it is finished within so many seconds."""
        return self._finished.wait(seconds)

    def get_predictions(self) -> list[Prediction]:
        """The finished job's predictions, in the order of its rows; raises its error where it has one."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


class Store(Protocol):
    """Where predictions are kept."""

    def insert(self, predictions: Sequence[Prediction], *, again: bool) -> None:
        """Commit all of them or none; `again` where some or all may be there already, under the same ids."""

    def is_connected(self) -> bool:
        """Whether the connection outlived the failure that `insert` has just raised."""


class DatabaseStore:
    """Writes over the calling thread's own connection."""

    def insert(self, predictions: Sequence[Prediction], *, again: bool) -> None:
        insert_predictions(predictions, again=again)

    def is_connected(self) -> bool:
        if connection.connection is not None and connection.is_usable():
            return True
        connection.close()
        return False


def answer_batch(jobs: Sequence[Job], store: Store, *, patience: float) -> None:
    """Predict and store the rows of all jobs, and finish each job with what is committed, or with an error.

    A job that fails by itself never fails its neighbours. A database that went away is tried again for
    `patience` seconds.
    """
    groups: dict[int, list[Job]] = {}
    for job in jobs:
        if not job.is_predicted:
            groups.setdefault(id(job.runtime), []).append(job)
    predicted = [(job, job.predicted) for job in jobs if job.is_predicted]
    predicted += [pair for group in groups.values() for pair in _predict(group)]
    if predicted:
        _store(predicted, store, patience)


def predict_piece(job: Job, size: int) -> None:
    """Predict the next rows of a job, which finishes with its error where they cannot be answered."""
    rows = job.rows[len(job.predicted) :][:size]
    try:
        answers, duration_ms = job.runtime.answer(rows)
    except (Exception, SystemExit) as error:  # As in _predict.
        job.finish(make_error(error))
        return
    job.predicted += [
        _make_prediction(job, row, answer, duration_ms) for row, answer in zip(rows, answers, strict=True)
    ]


def make_error(error: BaseException) -> Exception:
    """An error that only ends the request that it belongs to."""
    return error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")


Predicted = tuple[Job, list[Prediction]]


def _predict(jobs: list[Job]) -> list[Predicted]:
    """Answer jobs of one version; those that cannot be answered are finished with their error and left out."""
    try:
        return _predict_together(jobs)
    except (Exception, SystemExit) as error:  # An estimator is anybody's code and may raise anything.
        if len(jobs) == 1:
            jobs[0].finish(make_error(error))
            return []
    return [pair for half in _halve(jobs) for pair in _predict(half)]


def _predict_together(jobs: list[Job]) -> list[Predicted]:
    answers, duration_ms = jobs[0].runtime.answer([row for job in jobs for row in job.rows])
    remaining = iter(answers)
    return [(job, [_make_prediction(job, row, next(remaining), duration_ms) for row in job.rows]) for job in jobs]


def _make_prediction(job: Job, row: Row, answer: Answer, duration_ms: float) -> Prediction:
    return Prediction(
        **describe_answer(row, answer), version=job.runtime.version, source=job.source, duration_ms=duration_ms
    )


def _store(predicted: list[Predicted], store: Store, patience: float) -> None:
    """Commit, and finish the jobs: together, and where their data is refused by halves, down to the one at fault."""
    try:
        _insert([prediction for _, made in predicted for prediction in made], store, patience)
    except ConnectionLost as lost:
        for job, _ in predicted:
            job.finish(copy_error(lost.error))
    except Exception as error:  # The database's own errors, and what an adapter says of a value; whoever asked is told.
        if len(predicted) == 1:
            predicted[0][0].finish(error)
            return
        for half in _halve(predicted):
            _store(half, store, patience)
    else:
        for job, made in predicted:
            job.finish(made)


class ConnectionLost(Exception):
    """The database is away; whether the last commit was done is not known."""

    def __init__(self, error: Error) -> None:
        self.error = error


def _insert(predictions: list[Prediction], store: Store, patience: float) -> None:
    """Insert, over a new connection where the old one broke: its commit may have been done, so the ids stay."""
    give_up_at = time.monotonic() + patience
    again = False
    while True:
        try:
            return store.insert(predictions, again=again)
        except Error as error:
            # Halves of what took too long would take too long too, one after the other.
            if not is_cancelled(error) and store.is_connected():
                raise
            if time.monotonic() >= give_up_at:
                raise ConnectionLost(error) from error
        again = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def _halve(items: list[T]) -> tuple[list[T], list[T]]:
    middle = len(items) // 2
    return items[:middle], items[middle:]
