"""Shows in a job's row what it is doing."""

import time

from predictor import jobs

SECONDS_BETWEEN_REPORTS = 1.0


class JobProgress:
    """A `training.progress.Progress` that shows each line in the job's row, and counts once a second."""

    def __init__(self, held: jobs.Held) -> None:
        self._held = held
        self._step, self._written_at = "", float("-inf")

    def __call__(self, line: str, *, done: int = 0, total: int = 0) -> None:
        is_new = line != self._step
        if is_new or done == total or time.monotonic() - self._written_at >= SECONDS_BETWEEN_REPORTS:
            self._step, self._written_at = line, time.monotonic()
            jobs.report(self._held, line, done=done, total=total or None)
