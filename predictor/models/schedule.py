"""When models are retrained and monitored by themselves, and which moments of that were taken."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from predictor.models.job import Job
from predictor.models.retirement import Retirement
from predictor.timing import LONGEST_TEXT, Timing, read_timing, read_zone

AUTHOR = "schedule"


def is_of_retired() -> Exists:
    return Exists(Retirement.objects.in_force().filter(model=OuterRef("model")))


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def running(self) -> "ScheduleQuerySet":
        """Those that are on, of models that are not retired."""
        # Monitoring first: after a retrain, the new version has no predictions.
        return self.filter(~is_of_retired(), is_on=True, error="").order_by("kind", "id")

    def with_retired(self) -> "ScheduleQuerySet":
        """Annotate each with `is_retired`: whether its model is."""
        return self.annotate(is_retired=is_of_retired())


class Schedule(models.Model):
    """What is done with a model, and when: by `[schedule]` of its recipe, or as a user wants it."""

    class Kind(models.TextChoices):
        MONITOR = "monitor", _("monitoring")
        RETRAIN = "retrain", _("retrain")

    model = models.CharField(max_length=50, verbose_name=_("model"))
    kind = models.CharField(max_length=30, choices=Kind, verbose_name=_("what"))
    timing = models.CharField(max_length=LONGEST_TEXT, verbose_name=_("when"))
    with_outcomes = models.BooleanField(default=False, verbose_name=_("with outcomes"))
    is_on = models.BooleanField(default=True, verbose_name=_("on"))
    is_from_recipe = models.BooleanField(default=False, editable=False)
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    made_by = models.CharField(max_length=150, blank=True, editable=False, verbose_name=_("by"))
    after = models.DateTimeField(
        default=timezone.now, editable=False, help_text="Moments until this one were taken, or do not count."
    )
    error = models.TextField(
        blank=True, editable=False, verbose_name=_("error"), help_text="Why the recipe's is not run."
    )

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "kind"], condition=Q(is_from_recipe=True), name="schedule_of_recipe"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.model}, {self.timing}"

    @property
    def author(self) -> str:
        """In whose name its jobs are done."""
        return f"{AUTHOR} of {self.made_by}"[:150] if self.made_by else AUTHOR

    @property
    def arguments(self) -> dict[str, bool]:
        """Those of its jobs."""
        return {"with_outcomes": self.with_outcomes} if self.kind == self.Kind.RETRAIN else {}

    def read_timing(self) -> Timing | None:
        """None where another build wrote what this one cannot read, or the recipe's is wrong."""
        try:
            return read_timing(self.timing, read_zone(settings.SCHEDULE_TIME_ZONE))
        except ValueError:
            return None

    def find_due(self, now: datetime) -> datetime | None:
        """The moment that is due: the newest one, however many were missed; None where it was taken."""
        timing = self.read_timing()
        newest = timing.find_newest(now) if timing else None
        return newest if newest is not None and newest > self.after else None

    def find_next(self, now: datetime) -> datetime | None:
        """The first moment after now; None where it is off or wrong."""
        timing = self.read_timing() if self.is_on and not self.error else None
        return timing.find_next(now) if timing else None


class ScheduledMoment(models.Model):
    """A moment at which something was due: the row that keeps it from being done twice."""

    model = models.CharField(max_length=50)
    kind = models.CharField(max_length=30)
    moment = models.DateTimeField()
    taken_at = models.DateTimeField(default=timezone.now)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="moments")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "kind", "moment"], name="moment_taken_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.model}, {self.moment:%Y-%m-%d %H:%M} UTC"
