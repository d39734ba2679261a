"""What visitors report of what happened."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from predictor.formats import Written
from predictor.languages import gettext


class VisitorReportQuerySet(models.QuerySet["VisitorReport"]):
    def waiting(self) -> "VisitorReportQuerySet":
        """Those that nobody has accepted or dismissed yet."""
        return self.filter(decided_at=None)


class VisitorReport(models.Model):
    """What a visitor reports of one prediction. It is no outcome, and trains nothing, before staff accept it."""

    prediction = models.ForeignKey(
        "predictor.Prediction", models.PROTECT, related_name="visitor_reports", verbose_name=_("prediction")
    )
    value = models.JSONField(help_text="A bare number, or the label of a class.")
    reported_at = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("reported at"))
    decided_at = models.DateTimeField(
        null=True, help_text="When it was accepted or dismissed.", verbose_name=_("decided at")
    )
    decided_by = models.CharField(max_length=150, blank=True, verbose_name=_("decided by"))
    outcome = models.ForeignKey(
        "predictor.Outcome",
        models.PROTECT,
        null=True,
        related_name="visitor_reports",
        verbose_name=_("outcome"),
        help_text="What was recorded when it was accepted.",
    )

    objects = VisitorReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("visitor report")
        verbose_name_plural = _("visitor reports")
        ordering = ["-id"]
        indexes = [models.Index(fields=["-id"], condition=Q(decided_at=None), name="visitor_report_waiting")]

    def __str__(self) -> str:
        return gettext("{value} for {prediction}").format(value=self.written_value, prediction=self.prediction_id)

    @property
    def written_value(self) -> Written:
        return self.prediction.version.target.write(self.value)
