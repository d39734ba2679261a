"""The figures of a version's report."""

from django.db import models
from django.urls import reverse


class Figure(models.Model):
    """One figure of a version's report, drawn when it was trained."""

    version = models.ForeignKey("predictor.Version", models.PROTECT, related_name="figures", db_index=False)
    name = models.SlugField(max_length=50, db_index=False)
    title = models.CharField(max_length=200)
    svg = models.TextField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["version", "name"], name="figure_version_name")]

    def __str__(self) -> str:
        return f"{self.title} of {self.version}"

    def get_absolute_url(self) -> str:
        """The SVG's address; a version with the same number in a new database has another one, since it is cached."""
        version = self.version
        address = reverse("figure", args=[version.model, version.number, self.name])
        return f"{address}?{version.created_at.timestamp():.0f}"
