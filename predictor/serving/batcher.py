"""Batches concurrent requests: they hand over their rows and wait while one thread predicts and stores them."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

from predictor import telemetry
from predictor.exceptions import Overloaded, TooLate
from predictor.models import Prediction
from predictor.serving.batch import answer_batch, make_error, predict_piece
from predictor.serving.history import DatabaseStore, Store
from predictor.serving.job import Job
from predictor.serving.lanes import Lane

logger = logging.getLogger(__name__)

# Heroku's router gives up at 30 s. A job that was taken is done, or has failed, within PATIENCE and the 10 s for which
# a statement may hang (mlsite/worker.py).
SECONDS_TO_BE_TAKEN = 8.0
SECONDS_TO_BE_DONE = 16.0
# PostgreSQL restarts within this time; requests that wait then get an answer instead of an error.
PATIENCE = 5.0
MOST_ROWS = 1000
# Jobs of at most so many rows wait only for each other, never for large ones.
MOST_ROWS_OF_SMALL = 10
MOST_ROWS_WAITING = 2000
MOST_ROWS_OF_LARGE_WAITING = 10_000
# Where threads serve (SQLite), a worker has 4 of them: large jobs take no more than this at a time.
MOST_THREADS_OF_LARGE = 1
MOST_SECONDS_OF_PAUSE = 1.0
# Of large jobs, between two batches of small ones: a few milliseconds, or 10 of a forest that is not compiled.
ROWS_IN_A_PIECE = 100


class Batcher:
    """Once started, one thread with its own database connection answers all queued jobs, batch by batch.

    It never waits for a batch to fill: a batch is what came in during the one before. Large jobs are
    predicted piece by piece in between, one after the other, and each is stored with the batch after its last piece.
    Not started, it answers in the caller's thread, with the same code.
    """

    def __init__(
        self,
        store: Store | None = None,
        *,
        seconds_to_be_taken: float = SECONDS_TO_BE_TAKEN,
        seconds_to_be_done: float = SECONDS_TO_BE_DONE,
        patience: float = PATIENCE,
    ) -> None:
        self._store = store or DatabaseStore()
        self._seconds_to_be_taken, self._seconds_to_be_done = seconds_to_be_taken, seconds_to_be_done
        self._patience = patience
        self._changed = threading.Condition()
        self._small, self._large = Lane(MOST_ROWS_WAITING), Lane(MOST_ROWS_OF_LARGE_WAITING)
        self._begun: Job | None = None
        self._threads_of_large = threading.BoundedSemaphore(MOST_THREADS_OF_LARGE)
        self._thread: threading.Thread | None = None
        self.is_stopping = False

    @property
    def rows_waiting(self) -> int:
        return self._small.rows + self._large.rows

    def start(self, prepare: Callable[[], None] = lambda: None) -> None:
        """Start the thread, in the serving process, since threads do not survive a fork. It first calls `prepare`."""
        self.is_stopping = False
        self._thread = threading.Thread(target=self._run, args=[prepare], name="batcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer what is queued, and accept no more."""
        if self._thread is not None:
            with self._changed:
                self.is_stopping = True
                self._changed.notify()
            self._thread.join(self._seconds_to_be_done)

    def answer(self, job: Job) -> list[Prediction]:
        """The job's predictions, committed. Raises what its predict or its INSERT raised, Overloaded, or TooLate."""
        if self._thread is None:
            with self._enter_thread(job):
                answer_batch([job], self._store, patience=0)
            return job.get_predictions()
        # A waiting thread needs no connection of its own.
        connection.close_if_unusable_or_obsolete()
        self._append(job)
        if not job.wait(self._seconds_to_be_taken):
            if self._withdraw(job):
                raise TooLate("this was not answered in time, and nothing of it was stored")
            if not job.wait(self._seconds_to_be_done):
                raise TooLate("the database has not confirmed yet whether this is stored")
        return job.get_predictions()

    @contextmanager
    def _enter_thread(self, job: Job) -> Iterator[None]:
        """Leave threads, and SQLite's only writer, to small jobs; raises Overloaded where a large one runs already."""
        is_large = len(job.rows) > MOST_ROWS_OF_SMALL
        if is_large and not self._threads_of_large.acquire(blocking=False):
            raise Overloaded("another request with many rows is being answered")
        started = time.monotonic()
        try:
            yield
        finally:
            if is_large:
                # Others write for as long as this one has.
                time.sleep(min(time.monotonic() - started, MOST_SECONDS_OF_PAUSE))
                self._threads_of_large.release()

    def _choose_lane(self, job: Job) -> Lane:
        return self._small if job.size <= MOST_ROWS_OF_SMALL else self._large

    def _append(self, job: Job) -> None:
        with self._changed:
            if self.is_stopping:
                raise Overloaded("this process is stopping")
            self._choose_lane(job).append(job)
            self._changed.notify()

    def _withdraw(self, job: Job) -> bool:
        """Take a job out of its lane; whether it was still waiting there."""
        with self._changed:
            return self._choose_lane(job).remove(job)

    def _run(self, prepare: Callable[[], None]) -> None:
        prepare()
        while not self._is_finished():
            jobs = self._take()
            telemetry.observe_batch((len(job.rows) for job in jobs), self.rows_waiting)
            try:
                jobs += self._predict_begun()
                answer_batch(jobs, self._store, patience=self._patience)
            except (Exception, SystemExit) as error:  # Without this thread, no request would be answered again.
                logger.exception("a batch of %d requests broke", len(jobs))
                for job in jobs:
                    if not job.is_finished:
                        job.finish(make_error(error))
        connection.close()

    def _is_finished(self) -> bool:
        """Wait for a job; whether there is none left, and none will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._small or self._large or self._begun or self.is_stopping)
            return not (self._small or self._large or self._begun)

    def _take(self) -> list[Job]:
        """The jobs to answer now, oldest first: small ones of at most MOST_ROWS rows, and a piece of large ones."""
        with self._changed:
            jobs = self._small.take(MOST_ROWS)
            if self._begun is None:
                together = self._large.take(ROWS_IN_A_PIECE)
                jobs += together
                if self._large and not together:
                    self._begun = self._large.take_first()
            return jobs

    def _predict_begun(self) -> list[Job]:
        """Predict the next piece of the large job that was begun; returns it once it only needs to be stored."""
        job = self._begun
        if job is None:
            return []
        predict_piece(job, ROWS_IN_A_PIECE)
        if not (job.is_predicted or job.is_finished):
            time.sleep(0)  # In a worker of greenlets, lets others run.
            return []
        self._begun = None
        return [] if job.is_finished else [job]


batcher = Batcher()
