"""The live version of each model, as a process last read it from the database."""

import threading
import time
from typing import Any

from predictor.models import Version

# A new promotion is served within 2 s: half of it to notice it, half to load it.
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BEHIND = 2.0
# How long a request waits for a query, or for a version to load, where it may not use what was read before.
SECONDS_TO_WAIT = 1.0


class LiveVersions:
    """The live versions when the last query began; the threads of a process share them."""

    def __init__(self) -> None:
        # Those of retired models too, each with its `retired_at`.
        self.by_model: dict[str, Any] = {}
        self._looked_at = float("-inf")
        self._last_seen: dict[int, float] = {}
        self._looking = threading.Lock()

    def is_behind(self, version: Version) -> bool:
        """Whether this version was last known to be live so long ago that it must not answer."""
        return time.monotonic() - self._last_seen[version.id] >= SECONDS_BEHIND

    def look(self) -> None:
        """Query the database; raises its errors."""
        with self._looking:
            self._ask()

    def look_if_behind(self, seconds: float) -> None:
        """Query where the last query is so long ago; raises the database's errors.

        While another thread queries, one that is not 2 s behind uses what was read before.
        """
        behind = time.monotonic() - self._looked_at
        if behind < seconds:
            return
        patience = SECONDS_TO_WAIT if behind >= SECONDS_BEHIND else 0
        if self._looking.acquire(timeout=patience if self.by_model else -1):
            try:
                if time.monotonic() - self._looked_at >= seconds:  # Otherwise another thread was first.
                    self._ask()
            finally:
                self._looking.release()

    def _ask(self) -> None:
        now = time.monotonic()
        newest = (
            Version.objects.live()
            .with_retired_at()
            .only("id", "model", "number", "title", "translations")
            .order_by("model")
        )
        self.by_model = {version.model: version for version in newest}
        self._last_seen |= {version.id: now for version in newest}
        self._looked_at = now
