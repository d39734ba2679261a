"""Queues of jobs: small ones wait in one lane and large ones in another, so that neither fills the other's."""

from collections import deque

from predictor.exceptions import Overloaded
from predictor.serving.job import Job


class Lane:
    """Jobs in the order of arrival, with a limit on the sum of their rows, where long texts count as more.

    Callers must hold a lock.
    """

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._jobs: deque[Job] = deque()
        self.rows = 0

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def append(self, job: Job) -> None:
        """Raises Overloaded where too many rows already wait; an empty lane takes a job of any size."""
        if self._jobs and self.rows + job.size > self._most_rows:
            raise Overloaded(f"{self.rows} rows are already waiting")
        self._jobs.append(job)
        self.rows += job.size

    def remove(self, job: Job) -> bool:
        """Whether it was still waiting."""
        if job not in self._jobs:
            return False
        self._jobs.remove(job)
        self.rows -= job.size
        return True

    def take(self, most_rows: int) -> list[Job]:
        """Take the oldest jobs, up to so many rows in total."""
        taken: list[Job] = []
        left = most_rows
        while self._jobs and self._jobs[0].size <= left:
            taken.append(self.take_first())
            left -= len(taken[-1].rows)
        return taken

    def take_first(self) -> Job:
        job = self._jobs.popleft()
        self.rows -= job.size
        return job
