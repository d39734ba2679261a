"""Answers several requests at once: one predict a version, one INSERT and one commit for all of them."""

from collections.abc import Sequence
from typing import TypeVar

from django.db import IntegrityError
from django.utils import timezone

from predictor import telemetry
from predictor.exceptions import copy_error
from predictor.models import Prediction
from predictor.schema.schema import Row
from predictor.serving.answer import Answer
from predictor.serving.claims import NO_CLAIMS, Claims
from predictor.serving.history import FIELDS, Store, make_row
from predictor.serving.job import Job
from predictor.serving.outages import DatabaseLost, commit, persist

T = TypeVar("T")


def answer_batch(jobs: Sequence[Job], store: Store, *, patience: float) -> None:
    """Predict and store the rows of all jobs, and finish each with its committed predictions, or with an error.

    A job that fails never fails the others. A lost database is tried again for `patience` seconds.
    """
    groups: dict[int, list[Job]] = {}
    for job in jobs:
        if not job.is_predicted:
            groups.setdefault(id(job.runtime), []).append(job)
    refused: dict[Job, Exception] = {}
    predicted = [job for job in jobs if job.is_predicted]
    predicted += [job for group in groups.values() for job in _predict(group, refused)]
    # Another version may have answered it before.
    for job in settle(list(refused), store, patience):
        job.finish(refused[job])
    while predicted:
        # What claims the same as an earlier one waits for its commit, and gets its answer.
        first, later = divide(predicted)
        _store(first, store, patience)
        predicted = settle(later, store, patience)


def settle(jobs: Sequence[Job], store: Store, patience: float) -> list[Job]:
    """Answer rows and requests with what is stored of their claims already; the jobs that are left."""
    claiming = [job for job in jobs if job.is_claiming]
    if not claiming:
        return list(jobs)
    names = {name for job in claiming for _, name in job.names}
    attempts = {job.attempt.id for job in claiming if job.attempt is not None}
    try:
        found = persist(lambda again: store.find(names, attempts), store, patience)
    except Exception as error:  # Also of what a row contains, which others of the batch did not ask for.
        fail(claiming, error)
    else:
        for job in claiming if found else []:
            job.take(found)
    return [job for job in jobs if not job.is_finished]


def divide(jobs: list[Job]) -> tuple[list[Job], list[Job]]:
    """The jobs of which no two claim the same, and the others."""
    if not any(job.is_claiming for job in jobs):
        return jobs, []
    claimed: set[object] = set()
    divided: tuple[list[Job], list[Job]] = ([], [])
    for job in jobs:
        wanted = {*job.list_claimed(), *([job.attempt.id] if job.attempt else [])}
        divided[not claimed.isdisjoint(wanted)].append(job)
        claimed |= wanted
    return divided


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


def _predict(jobs: list[Job], refused: dict[Job, Exception]) -> list[Job]:
    """Predict jobs of one version; those that fail are left out, and `refused` gets them with their error."""
    try:
        return _predict_together(jobs)
    except (Exception, SystemExit) as error:  # An estimator may be any code, and raise anything.
        if len(jobs) == 1:
            refused[jobs[0]] = make_error(error)
            return []
    return [job for half in _halve(jobs) for job in _predict(half, refused)]


def _predict_together(jobs: list[Job]) -> list[Job]:
    answers, duration_ms = jobs[0].runtime.answer([row for job in jobs for row in job.rows])
    remaining = iter(answers)
    for job in jobs:
        job.predicted = [_make_prediction(job, row, next(remaining), duration_ms) for row in job.rows]
    return jobs


def _make_prediction(job: Job, row: Row, answer: Answer, duration_ms: float) -> Prediction:
    stored = make_row(job.runtime, row, answer, job.source, timezone.now(), duration_ms)
    # As if it were read: Django takes half as long again to make an object of named values.
    prediction = Prediction.from_db(None, FIELDS, [stored[name] for name in FIELDS])
    prediction.version = job.runtime.version
    return prediction


def _store(jobs: list[Job], store: Store, patience: float, again: bool = False) -> None:
    """Commit and finish the jobs together; where data is refused, in halves, down to the job at fault.

    `again` where some of it may be stored already.
    """
    claims = NO_CLAIMS
    if any(job.is_claiming for job in jobs):
        if not (jobs := write_answers(jobs)):
            return
        claims = collect_claims(jobs)
    made = [prediction for job in jobs for prediction in job.list_new()]
    try:
        commit(made, claims, store, patience, again=again)
    except DatabaseLost as lost:
        fail(jobs, lost)
    except Exception as error:  # An error of the database, or of the adapter about a value; the caller gets it.
        if claims and isinstance(error, IntegrityError) and _store_rest(jobs, store, patience, again):
            return
        if len(jobs) == 1:
            jobs[0].finish(error)
            return
        for half in _halve(jobs):
            _store(half, store, patience, again)
    else:
        for job in jobs:
            job.finish()
        telemetry.count_predictions(_describe(job) for job in jobs for _ in job.list_new())


def _store_rest(jobs: list[Job], store: Store, patience: float, again: bool) -> bool:
    """Store what others have not claimed meanwhile; False where, also the second time, nobody has claimed anything."""
    before = collect_claims(jobs)
    left = settle(jobs, store, patience)
    if again and collect_claims(left) == before:
        return False
    if left:
        _store(left, store, patience, again=True)
    return True


def write_answers(jobs: list[Job]) -> list[Job]:
    """Write the answers that are stored with their predictions; the jobs for which that worked."""
    for job in jobs:
        if job.attempt is not None:
            job.write_answer()
    return [job for job in jobs if not job.is_finished]


def collect_claims(jobs: Sequence[Job]) -> Claims:
    """What the jobs claim together."""
    claiming = [job for job in jobs if job.is_claiming]
    claimed = [(name, made.id) for job in claiming for name, made in job.list_claimed().items()]
    attempts = [job.attempt for job in claiming if job.attempt is not None]
    return Claims(references=sorted(claimed), attempts=sorted(attempts, key=lambda each: each.id))


def fail(jobs: Sequence[Job], error: Exception) -> None:
    """Finish all jobs with the error, each with a copy of its own."""
    for job in jobs:
        job.finish(copy_error(error.error if isinstance(error, DatabaseLost) else error))


def _describe(job: Job) -> tuple[str, int, str]:
    version = job.runtime.version
    return version.model, version.number, job.source.value


def _halve(items: list[T]) -> tuple[list[T], list[T]]:
    middle = len(items) // 2
    return items[:middle], items[middle:]
