"""Which version of each model is live, as a process last saw it in the database."""

import threading
import time

from predictor.models import Version

# A new promotion is to be served within 2 s: half for noticing it, half for loading.
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BEHIND = 2.0
# Whoever may not go on with what was seen before waits so long for a look, or for a version to be loaded.
SECONDS_TO_WAIT = 1.0


class LiveVersions:
    """What was live when the last look began; the threads of a process share it."""

    def __init__(self) -> None:
        self.by_model: dict[str, Version] = {}
        self._looked_at = float("-inf")
        self._last_seen: dict[int, float] = {}
        self._looking = threading.Lock()

    def is_behind(self, version: Version) -> bool:
        """Whether this version was last seen to be live so long ago that it must not answer."""
        return time.monotonic() - self._last_seen[version.id] >= SECONDS_BEHIND

    def look(self) -> None:
        """Ask the database; raises its errors."""
        with self._looking:
            self._ask()

    def look_if_behind(self, seconds: float) -> None:
        """Look where the last look is so long ago; raises the database's errors.

        While another thread looks, one that is not 2 s behind goes on with what was seen before.
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
        newest = Version.objects.live().only("id", "model", "number", "title").order_by("model")
        self.by_model = {version.model: version for version in newest}
        self._last_seen |= {version.id: now for version in newest}
        self._looked_at = now
