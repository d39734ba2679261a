"""Work in the background, and the processes that do it."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from predictor.record.job_problem import JobProblem

# The words for each kind of job; two may share theirs.
KINDS = {
    "retrain": _("retrain"),
    "retrain_table": _("retrain"),
    "score": _("a file's predictions"),
    "write": _("a file's workbook"),
    "monitor": _("monitoring"),
    "replay": _("replay"),
    "outcomes": _("a file's outcomes"),
    "export": _("export"),
    "draft": _("a look into a table"),
    "train": _("training by a form"),
}


class ShownError(NamedTuple):
    """A sentence in the current language, and English text that follows it; either may be empty."""

    sentence: str
    detail: str


class JobQuerySet(models.QuerySet["Job"]):
    """Leases are compared by the database's clock alone: those of machines differ."""

    def unfinished(self) -> "JobQuerySet":
        return self.filter(state__in=[Job.State.WAITING, Job.State.RUNNING])

    def ready(self) -> "JobQuerySet":
        """Those that wait, and those whose lease has run out."""
        has_run_out = Q(state=Job.State.RUNNING, lease_until__lte=Now())
        return self.filter(Q(state=Job.State.WAITING) | has_run_out).order_by("id")


class Job(models.Model):
    """One piece of work: who asked for it, how far it is, and what came of it; `predictor/jobs.py` changes rows.

    `lease` names one taking of the job: whoever has it may write until another takes the job over.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    public_id = models.UUIDField(null=True, unique=True, editable=False, help_text="Its address, which nobody guesses.")
    kind = models.CharField(max_length=30, verbose_name=_("kind"))
    model = models.CharField(max_length=50, blank=True, verbose_name=_("model"))
    arguments = models.JSONField(default=dict, verbose_name=_("arguments"))
    state = models.CharField(max_length=10, choices=State, default=State.WAITING, verbose_name=_("state"))
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    made_by = models.CharField(max_length=150, verbose_name=_("by"))
    started_at = models.DateTimeField(null=True, help_text="When it was taken for the first time.")
    finished_at = models.DateTimeField(null=True)
    step = models.CharField(max_length=200, blank=True, help_text="What is being done now.")
    done = models.BigIntegerField(default=0, help_text="How many parts are done.")
    total = models.BigIntegerField(null=True, help_text="Of how many parts.")
    cursor = models.JSONField(null=True, help_text="Where to go on; null at the beginning.")
    attempts = models.SmallIntegerField(
        default=0, help_text=_("How often it was begun where it is now."), verbose_name=_("attempts")
    )
    failures = models.SmallIntegerField(db_default=0, help_text="How often it failed there.")
    worker = models.CharField(max_length=100, blank=True, verbose_name=_("worker"))
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True, help_text="By the database's clock.")
    cancelled_by = models.CharField(max_length=150, blank=True, verbose_name=_("cancelled by"))
    result = models.JSONField(null=True, verbose_name=_("result"))
    error = models.TextField(blank=True, verbose_name=_("error"))
    problem = models.JSONField(
        null=True, editable=False, help_text="The error as a page says it, where it is of a known kind: JobProblem."
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], condition=Q(state__in=["waiting", "running"]), name="job_unfinished"),
        ]
        permissions = [("can_retrain", "Can retrain models"), ("can_replay", "Can replay predictions")]

    def __str__(self) -> str:
        return f"{name_kind(self.kind)} {self.model} ({self.pk})"

    @property
    def is_finished(self) -> bool:
        return self.state not in (self.State.WAITING, self.State.RUNNING)

    @property
    def shown_error(self) -> ShownError:
        """Why it failed, as far as that is known in the current language, and the rest in English."""
        problem = msgspec.convert(self.problem, JobProblem) if self.error and self.problem else None
        sentence = str(problem or "")
        return ShownError(sentence=sentence, detail=problem.detail if problem and sentence else self.error)

    def measure_duration(self, now: datetime) -> timedelta | None:
        """How long it took, or has taken until now; None before it was first taken."""
        return None if self.started_at is None else (self.finished_at or now) - self.started_at


class JobWorkerQuerySet(models.QuerySet["JobWorker"]):
    def seen_within(self, seconds: float) -> "JobWorkerQuerySet":
        return self.filter(seen_at__gt=from_now(-seconds))


class JobWorker(models.Model):
    """A process that takes jobs, and when it was last alive by the database's clock."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=100)
    seen_at = models.DateTimeField()

    objects = JobWorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


def name_kind(kind: str) -> str:
    """The words for a kind of job, in the current language."""
    return str(KINDS.get(kind, kind))


def from_now(seconds: float) -> Any:
    """A moment by the database's clock, so many seconds from now."""
    return models.ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=models.DateTimeField())
