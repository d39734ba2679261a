"""The signed bytes of a version."""

from django.db import models


class Artifact(models.Model):
    """The signed bytes of one version: compressed and in chunks, since writing one value of 100 MB takes 900 MB."""

    class Kind(models.TextChoices):
        PICKLE = "pickle"
        ONNX = "onnx"

    version = models.ForeignKey("predictor.Version", models.PROTECT, related_name="artifacts", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    sha256 = models.CharField(max_length=64, help_text="Of the bytes before compression.")
    size = models.PositiveBigIntegerField(help_text="Of the bytes before compression.")
    manifest = models.TextField(help_text="What is signed, as canonical JSON.")
    signature = models.CharField(max_length=64)
    # Empty where a build that knows only format 1 wrote the row: hence the database's own defaults.
    manifest_2 = models.TextField(default="", db_default="", help_text="The same in format 2.")
    signature_2 = models.CharField(max_length=64, default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "kind"], name="artifact_version_kind")]

    def __str__(self) -> str:
        return f"{self.version} ({self.kind})"


class ArtifactChunk(models.Model):
    artifact = models.ForeignKey(Artifact, models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["artifact", "number"], name="chunk_artifact_number")]

    def __str__(self) -> str:
        return f"{self.artifact}, chunk {self.number}"
