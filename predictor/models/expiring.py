"""Rows that are over after some time, which are removed as others come in."""

from django.db import models, transaction


class ExpiringQuerySet(models.QuerySet[models.Model]):
    """Of rows that are over at `ends_at`, in seconds since 1970."""

    def remove_finished(self, now: float, most: int) -> None:
        """Remove up to so many that are over, except those that another process is just writing to or removing."""
        finished = self.filter(ends_at__lte=now).order_by("ends_at")
        if not finished.exists():
            return
        with transaction.atomic():
            ids = list(finished.select_for_update(skip_locked=True).values_list("pk", flat=True)[:most])
            self.filter(pk__in=ids).delete()
