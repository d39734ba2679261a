"""What the limits count."""

from django.db import models

from predictor.models.expiring import ExpiringQuerySet


class RateWindow(models.Model):
    """How often something was done in one window of time; its id is a hash that `access/limits.py` makes."""

    id = models.BigIntegerField(primary_key=True)
    count = models.PositiveIntegerField()
    ends_at = models.FloatField(db_index=True, help_text="Seconds since 1970.")

    objects = ExpiringQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.count} until {self.ends_at:.0f}"
