"""Gathers what is asked at the same time: requests hand over their rows and wait while one thread answers them."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from django.db import connection

from predictor.exceptions import Overloaded, TooLate
from predictor.models import Prediction
from predictor.serving.batch import DatabaseStore, Job, Store, answer_batch

logger = logging.getLogger(__name__)

# The router gives up at 30 s. What was taken is done, or has failed, within PATIENCE and the 10 s for which a statement
# may hang (mlsite/worker.py).
SECONDS_TO_BE_TAKEN = 8.0
SECONDS_TO_BE_DONE = 16.0
# PostgreSQL restarts within this; whoever is waiting then gets an answer and not an error.
PATIENCE = 5.0
MOST_ROWS = 1000
MOST_ROWS_WAITING = 2000


class Batcher:
    """Once started, one thread owns one database connection and answers whatever is queued, batch by batch.

    It never waits for more to come: a batch is what came in while the one before was answered. Not started, it
    answers in the caller's thread, by the same code.
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
        self._waiting: deque[Job] = deque()
        self.rows_waiting = 0
        self._thread: threading.Thread | None = None
        self.is_stopping = False

    def start(self, prepare: Callable[[], None] = lambda: None) -> None:
        """Start the thread, in the process that serves: no thread outlives a fork. It calls `prepare` first."""
        self.is_stopping = False
        self._thread = threading.Thread(target=self._run, args=[prepare], name="batcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer what is queued, and take no more."""
        if self._thread is not None:
            with self._changed:
                self.is_stopping = True
                self._changed.notify()
            self._thread.join(self._seconds_to_be_done)

    def answer(self, job: Job) -> list[Prediction]:
        """The job's predictions, committed. Raises what its predict or its INSERT raised, Overloaded, or TooLate."""
        if self._thread is None or len(job.rows) > MOST_ROWS:
            answer_batch([job], self._store, patience=0)
            return job.get_predictions()
        # Whoever waits needs no connection of their own meanwhile.
        connection.close_if_unusable_or_obsolete()
        self._append(job)
        if not job.wait(self._seconds_to_be_taken):
            if self._withdraw(job):
                raise TooLate("nobody came to answer this in time, and nothing of it was stored")
            if not job.wait(self._seconds_to_be_done):
                raise TooLate("the database has not said yet whether this is stored")
        return job.get_predictions()

    def _append(self, job: Job) -> None:
        with self._changed:
            if self.is_stopping or (self._waiting and self.rows_waiting + len(job.rows) > MOST_ROWS_WAITING):
                raise Overloaded(f"{self.rows_waiting} rows are waiting already")
            self._waiting.append(job)
            self.rows_waiting += len(job.rows)
            self._changed.notify()

    def _withdraw(self, job: Job) -> bool:
        """Whether it still waited to be taken, which it then no longer does."""
        with self._changed:
            if job not in self._waiting:
                return False
            self._waiting.remove(job)
            self.rows_waiting -= len(job.rows)
            return True

    def _run(self, prepare: Callable[[], None]) -> None:
        prepare()
        while not self._is_finished():
            jobs = self._take()
            try:
                answer_batch(jobs, self._store, patience=self._patience)
            except Exception as error:  # Without this thread nobody is ever answered again, so it outlives anything.
                logger.exception("a batch of %d requests broke", len(jobs))
                for job in jobs:
                    if not job.is_finished:
                        job.finish(error)
        connection.close()

    def _is_finished(self) -> bool:
        """Wait for something to do; whether there is nothing left, and nothing will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.is_stopping)
            return not self._waiting

    def _take(self) -> Sequence[Job]:
        """What is queued now, oldest first: at most MOST_ROWS rows."""
        jobs: list[Job] = []
        rows = 0
        with self._changed:
            while self._waiting and rows + len(self._waiting[0].rows) <= MOST_ROWS:
                job = self._waiting.popleft()
                jobs.append(job)
                rows += len(job.rows)
            self.rows_waiting -= rows
        return jobs


batcher = Batcher()
