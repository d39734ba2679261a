"""What a process has read from the database and reads again after a while; its threads share it."""

import threading
import time

# How long a caller waits for another thread's query where it may not use what was read before.
SECONDS_TO_WAIT = 1.0
SECONDS_BEHIND = 2.0


class Refreshed:
    """Reads by `_ask`, at most one thread at a time."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        self._looking = threading.Lock()

    def look(self) -> None:
        """Query the database; raises its errors."""
        with self._looking:
            self._ask_now()

    def look_if_behind(self, seconds: float) -> None:
        """Query where the last query is so long ago; raises the database's errors.

        While another thread queries, one that is not 2 s behind uses what was read before.
        """
        behind = self.seconds_behind
        if behind < seconds:
            return
        patience = SECONDS_TO_WAIT if behind >= SECONDS_BEHIND else 0
        if self._looking.acquire(timeout=patience if self._has_looked else -1):
            try:
                if self.seconds_behind >= seconds:  # Otherwise another thread was first.
                    self._ask_now()
            finally:
                self._looking.release()

    @property
    def seconds_behind(self) -> float:
        """How long ago the last query began."""
        return time.monotonic() - self._looked_at

    @property
    def _has_looked(self) -> bool:
        return self._looked_at > float("-inf")

    def _ask_now(self) -> None:
        now = time.monotonic()
        self._ask(now)
        self._looked_at = now

    def _ask(self, now: float) -> None:
        """Read what is kept; `now` is when (monotonic seconds) the query began."""
        raise NotImplementedError
