"""Tables that were uploaded to train a model on, and are kept for good."""

from django.db import models
from django.utils import timezone

from predictor.models.kept_file import KeptFile


class DataVersion(models.Model):
    """One table of one model; the same bytes are kept once. `predictor/lifecycle/data_versions.py` makes rows."""

    model = models.CharField(max_length=50)
    file = models.ForeignKey(KeptFile, models.PROTECT, related_name="data_versions")
    sha256 = models.CharField(max_length=64, help_text="Of the table's bytes.")
    rows = models.BigIntegerField()
    columns = models.JSONField(help_text="Their names, in the table's order.")
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "sha256"], name="data_version_model_sha256")]

    def __str__(self) -> str:
        return f"{self.file.name} ({self.sha256[:8]})"
