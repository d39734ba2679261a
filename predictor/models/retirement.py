"""The log of what was retired, and brought back."""

from datetime import datetime

from django.db import models
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from predictor.languages import gettext


class RetirementQuerySet(models.QuerySet["Retirement"]):
    def in_force(self) -> "RetirementQuerySet":
        """The newest event of each model that is retired."""
        newest = self.order_by().values("model").annotate(newest=Max("id"))
        return self.filter(id__in=newest.values("newest"), is_retired=True)

    def find(self, model: str) -> "Retirement | None":
        """The event by which a model is retired; None where it is not."""
        return self.in_force().filter(model=model).first()

    def was_retired_at(self, model: str, moment: datetime) -> bool:
        """Whether a model was retired at a moment in the past; clocks are taken as `Version.live_at` takes them."""
        was_retired, now = False, timezone.now()
        for event in self.filter(model=model).order_by("id"):
            if moment < event.recorded_at <= now:
                break
            was_retired = event.is_retired
        return was_retired


class Retirement(models.Model):
    """The event that retired a model, or that brought it back. Rows are only ever added; the newest one counts."""

    model = models.CharField(max_length=50, db_index=True, verbose_name=_("model"))
    is_retired = models.BooleanField(help_text="Whether it was retired; otherwise it was brought back.")
    recorded_at = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("recorded at"))
    recorded_by = models.CharField(max_length=150, verbose_name=_("recorded by"))
    reason = models.TextField(verbose_name=_("reason"))

    objects = RetirementQuerySet.as_manager()

    class Meta:
        verbose_name = _("retirement")
        verbose_name_plural = _("retirements")
        ordering = ["-id"]

    def __str__(self) -> str:
        sentence = (
            gettext("{model} retired on {date}") if self.is_retired else gettext("{model} brought back on {date}")
        )
        return sentence.format(model=self.model, date=f"{self.recorded_at:%Y-%m-%d %H:%M} UTC")
