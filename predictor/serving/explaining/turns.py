"""Lets one explanation at a time be computed in a process, and for a fifth of the time: answers go on as before."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings

from predictor.exceptions import Overloaded
from predictor.threads import run_in_thread
from predictor.turns import Turns

T = TypeVar("T")
# In the long run; a process that was not asked for a while has saved up some seconds.
SHARE, MOST_SAVED = 0.2, 3.0


class OneAtATime(Turns):
    """Runs work in a real thread, one after the other; a few callers wait for their turn, each for up to `seconds`."""

    def __init__(self, *, waiting: int, seconds: float) -> None:
        super().__init__(waiting=waiting, seconds=seconds)
        self._saved, self._counted_at = MOST_SAVED, time.monotonic()

    def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, which must not use the database; the caller's connection is given back meanwhile.

        Raises Overloaded where too many wait, or one for too long.
        """
        until = time.monotonic() + self._seconds
        with self.take():
            pause = max(0.0, -self._count() / SHARE)
            if time.monotonic() + pause > until:
                raise Overloaded("explanations have taken their share of the time")
            time.sleep(pause)
            started = time.monotonic()
            try:
                return run_in_thread(work)
            finally:
                self._saved = self._count() - (time.monotonic() - started)

    def _count(self) -> float:
        """The seconds that are saved up by now; below 0, those that were taken too much."""
        now = time.monotonic()
        self._saved = min(MOST_SAVED, self._saved + SHARE * (now - self._counted_at))
        self._counted_at = now
        return self._saved


# A greenlet that waits costs nearly nothing; a worker of threads has few of them, which visitors need.
are_greenlets = bool(settings.DATABASE_POOL_SIZE)
one_at_a_time = OneAtATime(waiting=8, seconds=6.0) if are_greenlets else OneAtATime(waiting=1, seconds=2.0)
