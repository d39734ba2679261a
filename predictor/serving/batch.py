"""Answers several requests at once: one predict a version, one INSERT and one commit for all of them."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from predictor import telemetry
from predictor.exceptions import copy_error
from predictor.models import Prediction
from predictor.schema.schema import Row
from predictor.serving.answer import Answer, describe_answer
from predictor.serving.history import Store
from predictor.serving.outages import DatabaseLost, commit
from predictor.serving.runtime import Runtime

T = TypeVar("T")
# So many characters of texts take about as long as a row.
CHARACTERS_OF_A_ROW = 2_000


@dataclass(kw_only=True, eq=False)
class Job:
    """One request: all of its rows are stored, or none. It finishes with the committed predictions, or an error.

    Its `size` is that of its rows: one each, and more for those with long texts.
    """

    runtime: Runtime
    rows: Sequence[Row]
    source: Prediction.Source
    predicted: list[Prediction] = field(default_factory=list, init=False)
    _finished: threading.Event = field(default_factory=threading.Event, init=False)
    _outcome: list[Prediction] | Exception = field(default_factory=list, init=False)

    @cached_property
    def size(self) -> int:
        return sum(map(self._measure, self.rows)) if self.runtime.schema.text_columns else len(self.rows)

    def take_rows(self, most: int) -> list[Row]:
        """The next rows to predict: of at most this size together, or one."""
        rows: list[Row] = []
        left = most
        for row in self.rows[len(self.predicted) :][:most]:
            left -= self._measure(row)
            if rows and left < 0:
                break
            rows.append(row)
        return rows

    def _measure(self, row: Row) -> int:
        texts = (row.values[name] for name in self.runtime.schema.text_columns.values())
        return 1 + sum(len(str(text)) for text in texts if text is not None) // CHARACTERS_OF_A_ROW

    @property
    def is_predicted(self) -> bool:
        """Whether all rows are predicted and only need to be stored; a large job is predicted piece by piece."""
        return len(self.predicted) == len(self.rows)

    @property
    def is_finished(self) -> bool:
        return self._finished.is_set()

    def finish(self, outcome: list[Prediction] | Exception) -> None:
        self._outcome = outcome
        self._finished.set()

    def wait(self, seconds: float) -> bool:
        """Whether it finished within so many seconds."""
        return self._finished.wait(seconds)

    def get_predictions(self) -> list[Prediction]:
        """The finished job's predictions, in the order of its rows; raises its error where it has one."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def answer_batch(jobs: Sequence[Job], store: Store, *, patience: float) -> None:
    """Predict and store the rows of all jobs, and finish each with its committed predictions, or with an error.

    A job that fails never fails the others. A lost database is tried again for `patience` seconds.
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
    """Predict the next rows of a job, of at most this size, and finish it with the error where that fails."""
    rows = job.take_rows(size)
    try:
        answers, duration_ms = job.runtime.answer(rows)
    except (Exception, SystemExit) as error:  # As in _predict.
        job.finish(make_error(error))
        return
    job.predicted += [
        _make_prediction(job, row, answer, duration_ms) for row, answer in zip(rows, answers, strict=True)
    ]


def make_error(error: BaseException) -> Exception:
    """An error that ends only its own request: what is not an Exception becomes a RuntimeError."""
    return error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")


Predicted = tuple[Job, list[Prediction]]


def _predict(jobs: list[Job]) -> list[Predicted]:
    """Predict jobs of one version; those that fail are finished with their error and left out."""
    try:
        return _predict_together(jobs)
    except (Exception, SystemExit) as error:  # An estimator may be any code, and raise anything.
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
        **describe_answer(job.runtime.schema, row, answer),
        version=job.runtime.version,
        source=job.source,
        duration_ms=duration_ms,
    )


def _store(predicted: list[Predicted], store: Store, patience: float) -> None:
    """Commit and finish the jobs together; where data is refused, in halves, down to the job at fault."""
    try:
        commit([prediction for _, made in predicted for prediction in made], store, patience)
    except DatabaseLost as lost:
        for job, _ in predicted:
            job.finish(copy_error(lost.error))
    except Exception as error:  # An error of the database, or of the adapter about a value; the caller gets it.
        if len(predicted) == 1:
            predicted[0][0].finish(error)
            return
        for half in _halve(predicted):
            _store(half, store, patience)
    else:
        for job, made in predicted:
            job.finish(made)
        telemetry.count_predictions(_describe(job) for job, made in predicted for _ in made)


def _describe(job: Job) -> tuple[str, int, str]:
    version = job.runtime.version
    return version.model, version.number, job.source.value


def _halve(items: list[T]) -> tuple[list[T], list[T]]:
    middle = len(items) // 2
    return items[:middle], items[middle:]
