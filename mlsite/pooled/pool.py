import threading
from collections import deque
from concurrent.futures import Future
from typing import Any


class Pool:
    """A fixed number of places, each with an idle connection, or None where one may still be opened.

    It is first in, first out: a freed place is handed to the caller that has waited longest.
    """

    def __init__(self, number: int) -> None:
        self._lock = threading.Lock()
        self._number = number
        self._free: list[Any] = [None] * number
        self._waiting: deque[Future[Any]] = deque()

    @property
    def used(self) -> int:
        """How many connections are in use."""
        return self._number - len(self._free)

    @property
    def waiting(self) -> int:
        """How many callers are waiting."""
        with self._lock:
            return sum(not turn.cancelled() for turn in self._waiting)

    def take(self, seconds: float) -> Any:
        """Take a connection, or None for a new one; raise TimeoutError where no place became free in time."""
        with self._lock:
            if self._free:
                return self._free.pop()
            turn: Future[Any] = Future()
            self._waiting.append(turn)
        try:
            return turn.result(seconds)
        except TimeoutError:
            if turn.cancel():
                raise
            return turn.result()  # It came at the last moment.

    def give_back(self, connection: Any) -> None:
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(connection)
                    return
            self._free.append(connection)
