"""The replays of stored predictions by a version."""

from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property

from predictor.record.replay import Replay as Result
from predictor.record.replay import read_replay


class Replay(models.Model):
    """What a version answers to stored predictions. Rows are only ever added; the newest one is shown."""

    version = models.ForeignKey("predictor.Version", models.PROTECT, related_name="replays")
    result = models.JSONField(help_text="Which answers change, by how much, and for whom.")
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.version} on {self.recorded_at:%Y-%m-%d %H:%M} UTC"

    @cached_property
    def parsed_result(self) -> Result:
        return read_replay(self.result)
