"""Lets few requests at a time read many rows: each takes a connection and much of a core, which visitors need."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from predictor.exceptions import Overloaded


class Turns:
    """Lets in one request at a time; `waiting` others wait for up to `seconds`."""

    def __init__(self, *, waiting: int, seconds: float) -> None:
        self._turn, self._room, self._seconds = threading.Lock(), threading.Semaphore(1 + waiting), seconds

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn; raise Overloaded where too many wait, or where it does not come in time.

        The caller's connection is given back meanwhile: visitors would have none.
        """
        if not self._room.acquire(blocking=False):
            raise Overloaded("too many requests want to read")
        try:
            give_back_connection()
            if not self._turn.acquire(timeout=self._seconds):
                raise Overloaded("those before take too long")
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._room.release()


def give_back_connection() -> None:
    """Let others use the caller's connection; its next query gets one again."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


# A greenlet that waits costs nearly nothing; a worker of threads has few of them, which visitors need.
reading = Turns(waiting=64, seconds=8.0) if settings.DATABASE_POOL_SIZE else Turns(waiting=1, seconds=2.0)
