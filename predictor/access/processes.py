"""How many processes serve now, on all dynos: each writes every ten seconds that it is alive."""

import time
import uuid

from predictor.models import WebProcess

SECONDS_BETWEEN_SIGNS = 10.0
# Who was silent for so long has ended.
SECONDS_ALIVE = 30.0


class Census:
    """What one process knows of the others. Without `take`, it takes itself for the only one."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.processes = 1
        self._taken_at = float("-inf")

    def take(self) -> None:
        """Write that this process is alive, and count all that are; not more often than every ten seconds."""
        if time.monotonic() - self._taken_at < SECONDS_BETWEEN_SIGNS:
            return
        now = time.time()
        WebProcess.objects.bulk_create(
            [WebProcess(id=self.id, seen_at=now)],
            update_conflicts=True,
            update_fields=["seen_at"],
            unique_fields=["id"],
        )
        WebProcess.objects.filter(seen_at__lt=now - SECONDS_ALIVE).delete()
        self.processes = WebProcess.objects.count()
        self._taken_at = time.monotonic()
