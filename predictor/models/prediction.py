"""Every prediction, with its inputs."""

import time
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

import uuid_utils
import uuid_utils.compat
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from predictor.formats import Quantity, Written
from predictor.languages import gettext
from predictor.models.answered import Answered
from predictor.models.outcome import Outcome
from predictor.schema.temporal import write_temporal

NIL_UUID = uuid.UUID(int=0)


@cache
def _find_prediction_address() -> str:
    """The address of a prediction with the nil UUID, cached: `reverse` takes longer than all else that makes one."""
    return reverse("prediction", args=[NIL_UUID])


def make_prediction_id() -> uuid.UUID:
    """A UUIDv7, known before it is stored: the time in milliseconds, which keeps rows in order, and 74 random bits."""
    # Given no time, uuid7 draws random bits once a millisecond and counts on from there: one id would tell the next.
    return uuid_utils.compat.uuid7(nanoseconds=time.time_ns())


def make_prediction_id_text() -> str:
    """The same as a text, in a third of the time."""
    return str(uuid_utils.uuid7(nanoseconds=time.time_ns()))


class PredictionQuerySet(models.QuerySet["Prediction"]):
    def without_forgotten(self) -> "PredictionQuerySet":
        """Those whose inputs and output are there: `manage.py forget` leaves an output of null."""
        return self.exclude(output=None)

    def with_has_outcome(self) -> "PredictionQuerySet":
        """Annotate each with `has_outcome`: whether an outcome is recorded for it."""
        return self.annotate(has_outcome=Exists(Outcome.objects.filter(prediction=OuterRef("pk"))))


class Prediction(Answered, models.Model):
    """One prediction with its inputs; an answer is sent only after its row is committed."""

    class Source(models.TextChoices):
        FORM = "form", _("form")
        API = "api", "API"
        CSV = "csv", "CSV"

    id = models.UUIDField(primary_key=True, default=make_prediction_id, editable=False)
    version = models.ForeignKey(
        "predictor.Version", models.PROTECT, related_name="predictions", db_index=False, verbose_name=_("version")
    )
    inputs = models.JSONField()
    hashed_inputs = models.JSONField(null=True, help_text="Keyed hashes of sensitive inputs, which inputs has not.")
    output = models.JSONField(help_text="A bare number, or the label of a class.")
    probabilities = models.JSONField(null=True, help_text="By class, where the model gives them.")
    interval = models.JSONField(null=True, help_text="Low and high of the 90 % interval, where the version has one.")
    warnings = models.JSONField(default=list)
    warning_codes = models.JSONField(null=True, help_text="The same as codes with values; null from former builds.")
    source = models.CharField(max_length=4, choices=Source, verbose_name=_("source"))
    created_at = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("created at"))
    duration_ms = models.FloatField(help_text="What the model took, in milliseconds, before storing.")

    objects = PredictionQuerySet.as_manager()

    class Meta:
        verbose_name = _("prediction")
        verbose_name_plural = _("predictions")
        ordering = ["-id"]
        # What each costs is in docs/history.md. Ids are in the order of time, so that none is needed for the time, and
        # ascending, since pages to which rows are added at their end are full.
        indexes = [
            # Finds models, versions and sources, each alone and together: all ranges in question are merged.
            models.Index(fields=["version", "source", "id"], name="prediction_place"),
            # The same of those with a warning, which are few.
            models.Index(fields=["version", "source", "id"], condition=~Q(warnings=[]), name="prediction_warned_place"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def get_absolute_url(self) -> str:
        return self._address

    @cached_property
    def _address(self) -> str:
        return _find_prediction_address().replace(str(NIL_UUID), str(self.id))

    @property
    def hidden_inputs(self) -> list[str]:
        """The names of its sensitive inputs, which are not kept: it can be neither repeated nor explained."""
        return [each["name"] for each in self.version.schema["features"] if each.get("sensitive")]

    def write_inputs(self, most: int | None = None) -> list[tuple[str, Written]]:
        """The first inputs, or all, by feature name in the schema's order, which PostgreSQL's JSON does not keep."""
        labels = self.version.choice_words
        if self.is_forgotten:
            return []
        return [
            (each["name"], self._write_input(each, labels.get(each["name"], {})))
            for each in self.version.schema["features"][:most]
        ]

    def _write_input(self, feature: Mapping[str, Any], labels: Mapping[str, str]) -> Written:
        value = self.inputs.get(feature["name"])
        if value is None and feature.get("sensitive"):
            return Written(text=self._write_hash(feature["name"]))
        if feature["kind"] in ("date", "datetime", "time") and (written := write_temporal(feature["kind"], value)):
            return Written(text=written)
        return Quantity(unit=feature["unit"]).write(labels.get(value, value) if isinstance(value, str) else value)

    def _write_hash(self, name: str) -> str:
        """That an input is not kept, and the beginning of its hash: equal values have the same."""
        hashed = (self.hashed_inputs or {}).get(name)
        return gettext("not kept (#{hash})").format(hash=hashed[:8]) if hashed else gettext("not kept")
