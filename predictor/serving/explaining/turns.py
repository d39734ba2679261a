"""Lets one explanation at a time be computed in a process, and for a fifth of the time: answers go on as before."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import connection

from predictor.exceptions import Overloaded
from predictor.threads import run_in_thread

T = TypeVar("T")
# In the long run; a process that was not asked for a while has saved up some seconds.
SHARE, MOST_SAVED = 0.2, 3.0


class OneAtATime:
    """Runs work in a real thread, one after the other; a few callers wait for their turn, each for up to `seconds`."""

    def __init__(self, *, waiting: int, seconds: float) -> None:
        self._turn, self._room = threading.Lock(), threading.Semaphore(1 + waiting)
        self._seconds = seconds
        self._saved, self._counted_at = MOST_SAVED, time.monotonic()

    def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, which must not use the database; the caller's connection is given back meanwhile.

        Raises Overloaded where too many wait, or one for too long.
        """
        if not self._room.acquire(blocking=False):
            raise Overloaded("too many answers are to be explained")
        try:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            return self._run_in_turn(work, time.monotonic() + self._seconds)
        finally:
            self._room.release()

    def _run_in_turn(self, work: Callable[[], T], until: float) -> T:
        if not self._turn.acquire(timeout=self._seconds):
            raise Overloaded("the explanation before takes too long")
        try:
            pause = max(0.0, -self._count() / SHARE)
            if time.monotonic() + pause > until:
                raise Overloaded("explanations have taken their share of the time")
            time.sleep(pause)
            started = time.monotonic()
            try:
                return run_in_thread(work)
            finally:
                self._saved = self._count() - (time.monotonic() - started)
        finally:
            self._turn.release()

    def _count(self) -> float:
        """The seconds that are saved up by now; below 0, those that were taken too much."""
        now = time.monotonic()
        self._saved = min(MOST_SAVED, self._saved + SHARE * (now - self._counted_at))
        self._counted_at = now
        return self._saved


# A greenlet that waits costs nearly nothing; a worker of threads has few of them, which visitors need.
are_greenlets = bool(settings.DATABASE_POOL_SIZE)
one_at_a_time = OneAtATime(waiting=8, seconds=6.0) if are_greenlets else OneAtATime(waiting=1, seconds=2.0)
