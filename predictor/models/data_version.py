"""Tables that were uploaded to train a model on, and are kept for good."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from predictor.models.kept_file import KeptFile


class DataVersion(models.Model):
    """One table of one model; the same bytes are kept once. `predictor/lifecycle/data_versions.py` makes rows."""

    model = models.CharField(max_length=50, verbose_name=_("model"))
    file = models.ForeignKey(KeptFile, models.PROTECT, related_name="data_versions")
    sha256 = models.CharField(max_length=64, help_text="Of the table's bytes.")
    rows = models.BigIntegerField(verbose_name=_("rows"))
    columns = models.JSONField(help_text="Their names, in the table's order.", verbose_name=_("columns"))
    made_by = models.CharField(max_length=150, verbose_name=_("by"))
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("uploaded table")
        verbose_name_plural = _("uploaded tables")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["model", "sha256"], name="data_version_model_sha256")]

    def __str__(self) -> str:
        return f"{self.file.name} ({self.sha256[:8]})"
