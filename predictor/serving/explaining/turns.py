"""Lets one explanation at a time be computed in a process: answers go on meanwhile, and soon after."""

import threading
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

from predictor.exceptions import Overloaded
from predictor.threads import run_in_thread

T = TypeVar("T")
# Each takes a second or two at most.
MOST_WAITING, SECONDS_TO_WAIT = 4, 6.0


class OneAtATime:
    """Runs work in a real thread, one after the other; a few wait for their turn."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._room = threading.Semaphore(1 + MOST_WAITING)

    def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, which must not use the database; the caller's connection is given back meanwhile.

        Raises Overloaded where too many wait, or one for too long.
        """
        if not self._room.acquire(blocking=False):
            raise Overloaded("too many answers are to be explained")
        try:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            if not self._turn.acquire(timeout=SECONDS_TO_WAIT):
                raise Overloaded("the explanation before takes too long")
            try:
                return run_in_thread(work)
            finally:
                self._turn.release()
        finally:
            self._room.release()


one_at_a_time = OneAtATime()
