"""Files that are kept in the database for a while: uploads, results and tables for retrains."""

from django.db import models
from django.utils import timezone

from predictor.models.prediction import make_prediction_id


class KeptFile(models.Model):
    """One file; `predictor/files/keeping.py` writes and reads it.

    `job` is the one whose result it is: what is not whole when that ends is removed.
    """

    id = models.UUIDField(primary_key=True, default=make_prediction_id, editable=False)
    name = models.CharField(max_length=200, help_text="As it was uploaded, without folders.")
    media_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveBigIntegerField(default=0, help_text="In bytes.")
    sha256 = models.CharField(max_length=64, blank=True, help_text="Empty until it is whole.")
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, db_index=True, help_text="When it is deleted; null is never.")
    is_whole = models.BooleanField(default=False)
    job = models.ForeignKey("predictor.Job", models.SET_NULL, null=True, related_name="files")

    def __str__(self) -> str:
        return self.name


class KeptChunk(models.Model):
    """Up to 1 MiB of a file."""

    file = models.ForeignKey(KeptFile, models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="kept_chunk_file_number")]

    def __str__(self) -> str:
        return f"{self.file}, chunk {self.number}"
