"""The identity of this database, and what it remembers of the site."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from predictor.models.artifact import Artifact


class SiteManager(models.Manager["Site"]):
    def find(self) -> "Site":
        """The database's one row, which the first call creates."""
        found = self.first()
        if found is None:
            strict_since = None if Artifact.objects.exists() else timezone.now()
            self.bulk_create([Site(strict_since=strict_since)], ignore_conflicts=True)
            found = self.get()
        return found


class Site(models.Model):
    """The identity of this database; a dump that is restored elsewhere has the same."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    uuid = models.UUIDField(default=uuid.uuid4, editable=False, help_text="Signed with each artifact.")
    strict_since = models.DateTimeField(
        null=True, editable=False, help_text="Since when artifacts that are signed in format 1 alone are refused."
    )

    api_access = models.CharField(
        max_length=10,
        default="keys",
        db_default="keys",
        editable=False,
        help_text="Who may predict by the API where API_ACCESS does not say.",
    )

    objects = SiteManager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="site_only_one")]

    def __str__(self) -> str:
        return str(self.uuid)
