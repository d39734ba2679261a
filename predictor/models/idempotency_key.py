"""What requests with an Idempotency-Key were answered."""

from django.db import models

from predictor.models.expiring import ExpiringQuerySet


class IdempotencyKey(models.Model):
    """The answer to one request, for a day; its id is a hash of caller, address and key, `body` one of what was sent.

    It is written in the commit of the answer's predictions, so that there is none without the other.
    """

    id = models.UUIDField(primary_key=True)
    body = models.UUIDField()
    answer = models.TextField(help_text="The body of the answer, byte for byte.")
    ends_at = models.FloatField(db_index=True, help_text="Seconds since 1970.")

    objects = ExpiringQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.id} until {self.ends_at:.0f}"
