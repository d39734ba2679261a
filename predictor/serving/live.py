"""The live version of each model, as a process last read it from the database."""

import time
from typing import Any

from django.conf import settings

from predictor.access.forms import PUBLIC, is_open, read_form_access
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
        self._open: tuple[Any, str, bool] = (None, "", False)
        self._last_seen: dict[int, float] = {}

    @property
    def are_all_open(self) -> bool:
        """Whether everybody may see all models, as last read."""
        models, text, are_open = self._open
        if models is not self.by_model or text != settings.FORM_ACCESS:
            models, text = self.by_model, settings.FORM_ACCESS
            are_open = read_form_access(text).default == PUBLIC and all(
                is_open(each.model, each.own_access) for each in models.values()
            )
            self._open = (models, text, are_open)
        return are_open

    def is_behind(self, version: Version) -> bool:
        """Whether this version was last known to be live so long ago that it must not answer."""
        return time.monotonic() - self._last_seen[version.id] >= SECONDS_BEHIND

    def _ask(self, now: float) -> None:
        newest = (
            Version.objects.live()
            .with_retired_at()
            .with_access()
            .only("id", "model", "number", "title", "translations")
            .order_by("model")
        )
        self.by_model = {version.model: version for version in newest}
        self._last_seen |= {version.id: now for version in newest}
