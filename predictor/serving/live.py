"""The live version of each model, as a process last read it from the database."""

import time
from typing import Any

from predictor.models import Version
from predictor.refreshing import SECONDS_BEHIND, Refreshed

# A new promotion is served within 2 s: half of it to notice it, half to load it.
SECONDS_BETWEEN_LOOKS = 1.0


class LiveVersions(Refreshed):
    """The live versions when the last query began."""

    def __init__(self) -> None:
        super().__init__()
        # Those of retired models too, each with its `retired_at`.
        self.by_model: dict[str, Any] = {}
        self._last_seen: dict[int, float] = {}

    def is_behind(self, version: Version) -> bool:
        """Whether this version was last known to be live so long ago that it must not answer."""
        return time.monotonic() - self._last_seen[version.id] >= SECONDS_BEHIND

    def _ask(self, now: float) -> None:
        newest = (
            Version.objects.live()
            .with_retired_at()
            .only("id", "model", "number", "title", "translations")
            .order_by("model")
        )
        self.by_model = {version.model: version for version in newest}
        self._last_seen |= {version.id: now for version in newest}
