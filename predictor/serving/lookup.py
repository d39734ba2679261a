"""Finds what several visitors ask for at the same time by one query."""

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from predictor.exceptions import TooLate, copy_error

Key = TypeVar("Key")
Found = TypeVar("Found")

# What somebody who waits is told instead of an answer: to ask for all who wait by now.
LEAD: Any = object()
# A query has failed after 10 s (mlsite/worker.py); the router gives up at 30 s.
SECONDS_TO_WAIT = 22.0


class Lookup(Generic[Key, Found]):
    """While one caller's query is under way, others gather; then one of those asks for all of them.

    Nobody waits for more to come, and nobody asks twice for the sake of others.
    """

    def __init__(
        self, find_many: Callable[[Collection[Key]], Mapping[Key, Found]], *, seconds: float = SECONDS_TO_WAIT
    ) -> None:
        self._find_many, self._seconds = find_many, seconds
        self._lock = threading.Lock()
        self._waiting: list[tuple[Key, Future[Any]]] = []
        self._is_asking = False

    @property
    def waiting(self) -> int:
        """How many wait for a query that has not begun."""
        return len(self._waiting)

    def find(self, key: Key) -> Found | None:
        """What there is of this key, or None; raises what the query raised, or TooLate where its turn did not come."""
        turn: Future[Any] | None = None
        with self._lock:
            if self._is_asking:
                turn = Future()
                self._waiting.append((key, turn))
            self._is_asking = True
        found = LEAD if turn is None else self._wait(turn)
        return self._ask(key).get(key) if found is LEAD else found.get(key)

    def _wait(self, turn: "Future[Any]") -> Any:
        """What another caller's query found, or LEAD; a query that is under way gets as long once more."""
        for _ in range(2):
            try:
                return turn.result(self._seconds)
            except TimeoutError:
                if turn.cancel():
                    break
        raise TooLate("this was not looked up in time")

    def _ask(self, key: Key) -> Mapping[Key, Found]:
        with self._lock:
            others = [(each, turn) for each, turn in self._waiting if turn.set_running_or_notify_cancel()]
            self._waiting = []
        try:
            found = self._find_many({key, *(each for each, _ in others)})
        except BaseException as error:
            # What only ends this caller, such as a client that was given up, is no answer for the others.
            shared = error if isinstance(error, Exception) else TooLate("the query for this was given up")
            for _, turn in others:
                turn.set_exception(copy_error(shared))
            raise
        else:
            for _, turn in others:
                turn.set_result(found)
            return found
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        """Let the one who has waited longest ask next."""
        with self._lock:
            while self._waiting:
                _, turn = self._waiting.pop(0)
                if turn.set_running_or_notify_cancel():
                    turn.set_result(LEAD)
                    return
            self._is_asking = False
