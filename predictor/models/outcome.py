"""What really happened."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from predictor.formats import Written, format_exact
from predictor.languages import gettext
from predictor.schema.values import write_value

ROWS_AT_ONCE = 1_000


class OutcomeQuerySet(models.QuerySet["Outcome"]):
    def current(self) -> "OutcomeQuerySet":
        """The current outcomes: those that no correction replaced."""
        return self.filter(replaced_by=None)

    def of_model(self, model: str) -> "OutcomeQuerySet":
        """Those of the predictions of all of a model's versions."""
        return self.filter(prediction__version__model=model)

    def since(self, moment: datetime | None) -> "OutcomeQuerySet":
        """Those recorded at or after a moment; all of them for None."""
        return self if moment is None else self.filter(recorded_at__gte=moment)

    def current_at(self, last: int) -> "OutcomeQuerySet":
        """Those that were current when `last` was the newest id, whatever was recorded since then."""
        return self.filter(Q(replaced_by=None) | Q(replaced_by__gt=last), id__lte=last)

    def list_for_training(self) -> Iterator[tuple[Any, Any, int]]:
        """Inputs, value and version's id of each, the first recorded first; a thousand at a time in memory."""
        rows = self.order_by("id").values_list("id", "prediction__inputs", "value", "prediction__version")
        taken = list(rows[:ROWS_AT_ONCE])
        while taken:
            yield from ((inputs, value, version) for _id, inputs, value, version in taken)
            taken = list(rows.filter(id__gt=taken[-1][0])[:ROWS_AT_ONCE])


class Outcome(models.Model):
    """What really happened, for one prediction. Rows are only ever added; a correction names what it replaces."""

    class Queue(models.TextChoices):
        """In which order a reviewer was asked for outcomes. Only those asked for at random are like all predictions."""

        RANDOM = "random", _("random")
        UNCERTAIN = "uncertain", _("uncertain first")
        UNUSUAL = "unusual", _("unusual first")

    prediction = models.ForeignKey(
        "predictor.Prediction", models.PROTECT, related_name="outcomes", verbose_name=_("prediction")
    )
    value = models.JSONField(help_text="A bare number, or the label of a class.")
    recorded_at = models.DateTimeField(
        default=timezone.now, editable=False, db_index=True, verbose_name=_("recorded at")
    )
    recorded_by = models.CharField(max_length=150, verbose_name=_("recorded by"))
    replaces = models.OneToOneField(
        "self", models.PROTECT, related_name="replaced_by", null=True, verbose_name=_("replaces")
    )
    queue = models.CharField(  # noqa: DJ001  # Null, so that processes of the former build can write rows.
        max_length=9,
        choices=Queue,
        null=True,
        editable=False,
        help_text="The queue that asked for it; null where none did, and from former builds.",
        verbose_name=_("asked for"),
    )

    objects = OutcomeQuerySet.as_manager()

    class Meta:
        verbose_name = _("outcome")
        verbose_name_plural = _("outcomes")
        ordering = ["-id"]
        constraints = [
            # Where two people record at the same moment, the second gets an error and decides again.
            models.UniqueConstraint(fields=["prediction"], condition=Q(replaces=None), name="outcome_prediction_first"),
        ]

    def __str__(self) -> str:
        return gettext("{value} for {prediction}").format(value=self.written_value, prediction=self.prediction_id)

    @property
    def written_value(self) -> Written:
        return self.prediction.version.target.write(self.value)

    @property
    def typed_value(self) -> str:
        """Its value as people would type it: exact, and in the unit that they see."""
        target = self.prediction.version.target
        value = target.to_shown(float(self.value)) if target.task == "regression" else target.restore(self.value)
        return format_exact(value) if isinstance(value, float) else write_value(value)
