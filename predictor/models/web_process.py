"""Which processes serve."""

from django.db import models


class WebProcess(models.Model):
    """A process that counts predictions for a limit; `access/processes.py` writes when it was last alive."""

    id = models.UUIDField(primary_key=True)
    seen_at = models.FloatField(help_text="Seconds since 1970.")

    def __str__(self) -> str:
        return str(self.id)
