"""Lets few requests at a time do what takes long; who waits holds no connection, which visitors need."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from predictor.exceptions import Overloaded

# Whoever may keep a connection of the pool for long takes this turn: so the others of a process are for visitors.
slow = threading.Lock()


class Turns:
    """Lets in one request at a time, of all that share a `turn`; `waiting` others wait for up to `seconds`."""

    def __init__(self, *, waiting: int, seconds: float, turn: "threading.Lock | None" = None) -> None:
        self._turn, self._room, self._seconds = turn or threading.Lock(), threading.Semaphore(1 + waiting), seconds

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn; raise Overloaded where too many wait, or where it does not come in time.

        The caller's connection is given back meanwhile: visitors would have none.
        """
        if not self._room.acquire(blocking=False):
            raise Overloaded("too many requests wait for a turn")
        try:
            leave_connection()
            if not self._turn.acquire(timeout=self._seconds):
                raise Overloaded("those before take too long")
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._room.release()


def leave_connection() -> None:
    """Give the caller's connection back until its next query, unless a transaction is open, as in tests."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
