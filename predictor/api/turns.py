"""Lets few requests at a time read many rows: each takes a connection and much of a core, which visitors need."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from predictor.exceptions import Overloaded


class Turns:
    """Lets in one request at a time; `waiting` others wait for up to `seconds`."""

    def __init__(self, *, waiting: int, seconds: float) -> None:
        self._turn, self._room, self._seconds = threading.Lock(), threading.Semaphore(1 + waiting), seconds

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn; raise Overloaded where too many wait, or where it does not come in time."""
        if not self._room.acquire(blocking=False):
            raise Overloaded("too many requests want to read")
        try:
            if not self._turn.acquire(timeout=self._seconds):
                raise Overloaded("those before take too long")
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._room.release()


# A greenlet that waits costs nearly nothing; a worker of threads has few of them, which visitors need.
reading = Turns(waiting=64, seconds=8.0) if settings.DATABASE_POOL_SIZE else Turns(waiting=1, seconds=2.0)
