"""What a version keeps of its training data, next to its row."""

from django.db import models


class KeptQuerySet(models.QuerySet["Kept"]):
    def find_content(self, version_id: int, name: str) -> bytes | None:
        """What a version keeps under a name; None where it was trained by a build that kept nothing."""
        content = self.filter(version_id=version_id, name=name).values_list("content", flat=True).first()
        return None if content is None else bytes(content)


class Kept(models.Model):
    """One summary of a version's training data, as plain data that no prediction depends on."""

    version = models.ForeignKey("predictor.Version", models.PROTECT, related_name="kept", db_index=False)
    name = models.SlugField(max_length=50, db_index=False)
    content = models.BinaryField()

    objects = KeptQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "name"], name="kept_version_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.version}"
