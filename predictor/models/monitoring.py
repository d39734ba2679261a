"""How a model did each time that it was monitored."""

import msgspec
from django.db import models
from django.db.models import F, Max
from django.utils import timezone
from django.utils.functional import cached_property

from predictor.record.monitoring import Monitoring as Result
from predictor.record.monitoring import read_monitoring


class MonitoringQuerySet(models.QuerySet["Monitoring"]):
    def find_newest(self, model: str) -> "Monitoring | None":
        """The newest of one model; None where it was never monitored."""
        return self.filter(model=model).order_by("-id").first()

    def find_announced(self, model: str) -> "Monitoring | None":
        """The newest of one model whose state was announced; None where none was."""
        return self.filter(model=model, announced_at__isnull=False).order_by("-id").first()

    def newest(self) -> "MonitoringQuerySet":
        """The newest of each model."""
        newest = self.order_by().values("model").annotate(newest=Max("id"))
        return self.filter(id__in=newest.values("newest"))

    def changes(self, model: str) -> "MonitoringQuerySet":
        """Those at which a model's state became another, the newest first; also the first of all."""
        return self.filter(model=model).exclude(state=F("former_state")).order_by("-id")


class Monitoring(models.Model):
    """What `manage.py monitor` found of one model. Rows are only ever added; old ones that changed nothing go."""

    model = models.CharField(max_length=50)
    state = models.CharField(max_length=10, help_text="Well, alarm, or cannot say.")
    former_state = models.CharField(max_length=10, blank=True, help_text="That of the run before; empty for the first.")
    result = models.JSONField(help_text="Observed quality, estimated quality, and drift.")
    computed_at = models.DateTimeField(default=timezone.now, editable=False)
    announced_at = models.DateTimeField(null=True, editable=False, help_text="When its state was announced.")

    objects = MonitoringQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["model", "id"], name="monitoring_model")]

    def __str__(self) -> str:
        return f"{self.model} on {self.computed_at:%Y-%m-%d %H:%M} UTC: {self.state}"

    @property
    def is_change(self) -> bool:
        """Whether the state became another one with this run."""
        return self.state != self.former_state

    @cached_property
    def parsed_result(self) -> Result | None:
        """None where another build wrote what this one cannot read: during a deploy, both are there."""
        try:
            return read_monitoring(self.result)
        except msgspec.ValidationError:
            return None
