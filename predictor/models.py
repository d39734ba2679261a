"""The database tables: versions with their artifacts, promotions, retirements, every prediction, and its outcomes."""

import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import uuid_utils.compat
from django.db import models
from django.db.models import Exists, Max, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from predictor.formats import Quantity, Written, find_decimals, find_interval_decimals, format_number
from predictor.metrics.names import LABELS, describe_scale
from predictor.record.comparison import describe_comparison
from predictor.record.decision import Decision, read_decision
from predictor.record.interval import MeasuredInterval, read_interval
from predictor.record.measurement import Measurement, WrittenScore, read_measurement, write_scores
from predictor.record.profile import Profile, read_profile
from predictor.record.report import Importances, Report, SkippedCompilation, read_report
from predictor.record.source import Source, read_source
from predictor.record.split import Split, read_split
from predictor.schema.schema import Schema, read_target
from predictor.schema.target import Target
from predictor.schema.values import write_value


class SiteManager(models.Manager["Site"]):
    def find(self) -> "Site":
        """The database's one row, which the first call creates."""
        found = self.first()
        if found is None:
            strict_since = None if Artifact.objects.exists() else timezone.now()
            self.bulk_create([Site(strict_since=strict_since)], ignore_conflicts=True)
            found = self.get()
        return found


class Site(models.Model):
    """The identity of this database; a dump that is restored elsewhere has the same."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    uuid = models.UUIDField(default=uuid.uuid4, editable=False, help_text="Signed with each artifact.")
    strict_since = models.DateTimeField(
        null=True, editable=False, help_text="Since when artifacts that are signed in format 1 alone are refused."
    )

    objects = SiteManager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="site_only_one")]

    def __str__(self) -> str:
        return str(self.uuid)


class VersionQuerySet(models.QuerySet["Version"]):
    def live(self) -> "VersionQuerySet":
        """The live version of each model: the one that its newest promotion names."""
        return self.filter(promotions__in=Promotion.objects.newest())

    def find_live(self, model: str) -> "Version | None":
        """The live version of one model; None where none was ever promoted."""
        return self.live().filter(model=model).first()

    def served(self) -> "VersionQuerySet":
        """The live version of each model that is not retired."""
        return self.live().exclude(model__in=Retirement.objects.in_force().values("model"))

    def with_retired_at(self) -> "VersionQuerySet":
        """Annotate each with `retired_at`: since when its model is retired; None where it is served."""
        events = Retirement.objects.in_force().filter(model=OuterRef("model"))
        return self.annotate(retired_at=Subquery(events.values("recorded_at")[:1]))

    def live_at(self, moment: datetime) -> "VersionQuerySet":
        """The version of each model that was live at a moment in the past.

        Promotions are taken in the order of the log, since a clock may have gone back: the version is that of the
        promotion before the first one whose time is after the moment. A time in the future is from a wrong clock, and
        is ignored.
        """
        before = Promotion.objects.filter(version__model=OuterRef("version__model"), id__lte=OuterRef("id"))
        later = before.filter(promoted_at__gt=moment, promoted_at__lte=timezone.now())
        return self.filter(promotions__in=Promotion.objects.filter(~Exists(later)).newest())

    def name_targets(self, model: str) -> dict[int, str]:
        """The target's name in each version of a model, by the version's id."""
        return {version.id: version.target.name for version in self.filter(model=model).only("schema")}

    def next_number(self, model: str) -> int:
        """The number of this model's next version, 1 for its first."""
        return (self.filter(model=model).aggregate(newest=Max("number"))["newest"] or 0) + 1


class Version(models.Model):
    """One trained state of a model, with all that serving and pages need."""

    model = models.CharField(max_length=50)
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    estimator = models.TextField(help_text="What was fitted, as scikit-learn writes it.")
    schema = models.JSONField()
    metrics = models.JSONField(
        help_text="Method, rows, scores with 95 % intervals, and the scores of a dummy baseline."
    )
    profile = models.JSONField(help_text="What the version's picture is drawn from.")
    split = models.JSONField(help_text="The feature names and the share that decide which rows are held out.")
    data = models.JSONField(help_text="Where the rows came from: file, SHA-256, and how many.")
    decision = models.JSONField(help_text="What became of it as a challenger, and what that was decided on.")
    report = models.JSONField(default=dict, help_text="How it was made: importances, tuning, duration, git commit.")
    interval = models.JSONField(null=True, help_text="What the 90 % interval of a regression's answer is made of.")
    libraries = models.JSONField(help_text="The versions of the libraries it was made with.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["model", "-number"]
        constraints = [models.UniqueConstraint(fields=["model", "number"], name="version_model_number")]

    def __str__(self) -> str:
        return f"{self.model} {self.number}"

    def get_absolute_url(self) -> str:
        return self._address

    @cached_property
    def _address(self) -> str:
        return reverse("version", args=[self.model, self.number])

    @cached_property
    def parsed_schema(self) -> Schema:
        return Schema.from_json(self.schema)

    @cached_property
    def target(self) -> Target:
        """What it predicts, without parsing the features, which may be many."""
        return read_target(self.schema)

    @property
    def decimals(self) -> int | None:
        """The decimals of its predictions that have no interval: 4 significant digits of the target's spread."""
        spread = self.parsed_metrics.baseline.get("rmse")  # The baseline is always the mean.
        return None if spread is None else find_decimals(self.target.to_shown(spread), 4)

    @property
    def is_imported(self) -> bool:
        """Whether it was trained elsewhere, so that its training rows are unknown."""
        return self.parsed_data.origin == "imported"

    @cached_property
    def parsed_metrics(self) -> Measurement:
        return read_measurement(self.metrics)

    @cached_property
    def parsed_profile(self) -> Profile:
        return read_profile(self.profile)

    @cached_property
    def parsed_split(self) -> Split:
        return read_split(self.split)

    @cached_property
    def parsed_data(self) -> Source:
        return read_source(self.data)

    @cached_property
    def parsed_report(self) -> Report | None:
        return read_report(self.report)

    @cached_property
    def parsed_decision(self) -> Decision:
        return read_decision(self.decision)

    @cached_property
    def parsed_interval(self) -> MeasuredInterval | None:
        """What its intervals are made of, for pages; None also where the stored value cannot be read."""
        try:
            return read_interval(self.interval)
        except ValueError:
            return None

    @property
    def runtime_note(self) -> str:
        """In a sentence, whether it has a compiled model, and what that was checked on or why there is none."""
        compiled = self.parsed_report.compiled if self.parsed_report else None
        if compiled is None:
            return "from its pickle; an earlier build trained it, which compiled no models."
        if isinstance(compiled, SkippedCompilation):
            return f"from its pickle: {compiled.shown_reason}."
        rows, edge_rows = format_number(compiled.rows), format_number(compiled.edge_rows)
        difference = format_number(compiled.difference, digits=1)
        checked = f"{rows} rows of its data and {edge_rows} made at the edges"
        return f"compiled; on {checked} it differs from the pickle by at most {difference}."

    @property
    def scores(self) -> list[tuple[str, float, float | None]]:
        """Each metric's label, score and baseline score, in a fixed order, which PostgreSQL's JSON does not keep."""
        scores, baseline = self.parsed_metrics.scores, self.parsed_metrics.baseline
        return [(label, scores[name], baseline.get(name)) for name, label in LABELS.items() if name in scores]

    @property
    def written_scores(self) -> list[WrittenScore]:
        """Its metrics, formatted for people."""
        return write_scores(self.parsed_metrics, self.target.unit)

    @property
    def comparison(self) -> list[str]:
        """In sentences, how it compares with the champion: scores, gains with 95 % intervals, rows left out."""
        return describe_comparison(self.parsed_decision, self.target.unit)

    @property
    def measured_importances(self) -> Importances | None:
        """None where its report has none, or where it has no report."""
        found = self.parsed_report.importances if self.parsed_report else None
        return found if isinstance(found, Importances) else None

    @property
    def importances(self) -> list[tuple[str, float, float]]:
        """Each feature's label with the mean and the standard deviation of its importance, largest first."""
        labels = {feature.name: feature.label for feature in self.parsed_schema.features}
        found = self.measured_importances.features if self.measured_importances else ()
        return sorted(((labels[each.name], each.mean, each.sd) for each in found), key=lambda each: -each[1])

    @property
    def importance_scale(self) -> Quantity:
        """How its importances are written: like the metric whose losses they are."""
        return describe_scale(self.measured_importances.metric if self.measured_importances else "", self.target.unit)


class Artifact(models.Model):
    """The signed bytes of one version: compressed and in chunks, since writing one value of 100 MB takes 900 MB."""

    class Kind(models.TextChoices):
        PICKLE = "pickle"
        ONNX = "onnx"

    version = models.ForeignKey(Version, models.PROTECT, related_name="artifacts", db_index=False)
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


class Figure(models.Model):
    """One figure of a version's report, drawn when it was trained."""

    version = models.ForeignKey(Version, models.PROTECT, related_name="figures", db_index=False)
    name = models.SlugField(max_length=50, db_index=False)
    title = models.CharField(max_length=200)
    svg = models.TextField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["version", "name"], name="figure_version_name")]

    def __str__(self) -> str:
        return f"{self.title} of {self.version}"

    def get_absolute_url(self) -> str:
        """The SVG's address; a version with the same number in a new database has another one, since it is cached."""
        version = self.version
        address = reverse("figure", args=[version.model, version.number, self.name])
        return f"{address}?{version.created_at.timestamp():.0f}"


class PromotionQuerySet(models.QuerySet["Promotion"]):
    def newest(self) -> "PromotionQuerySet":
        """The newest promotion of each model, which makes its version the live one."""
        newest = self.order_by().values("version__model").annotate(newest=Max("id"))
        return self.filter(id__in=newest.values("newest"))


class Promotion(models.Model):
    """The event that made a version live. Rows are only ever added; a rollback is one more."""

    version = models.ForeignKey(Version, models.PROTECT, related_name="promotions")
    previous = models.ForeignKey(
        Version, models.PROTECT, related_name="+", null=True, db_index=False, help_text="The version live until then."
    )
    restores = models.ForeignKey(
        "self", models.PROTECT, related_name="+", null=True, db_index=False, help_text="Of a rollback: to where."
    )
    promoted_at = models.DateTimeField(default=timezone.now, editable=False)
    promoted_by = models.CharField(max_length=150)
    reason = models.TextField()

    objects = PromotionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.version} on {self.promoted_at:%Y-%m-%d %H:%M}"

    @property
    def origin(self) -> "Promotion":
        """The promotion whose state this one established: itself, or the one that a rollback went back to."""
        return self.restores or self


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

    model = models.CharField(max_length=50, db_index=True)
    is_retired = models.BooleanField(help_text="Whether it was retired; otherwise it was brought back.")
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    recorded_by = models.CharField(max_length=150)
    reason = models.TextField()

    objects = RetirementQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        event = "retired" if self.is_retired else "brought back"
        return f"{self.model} {event} on {self.recorded_at:%Y-%m-%d %H:%M} UTC"


NIL_UUID = uuid.UUID(int=0)


@cache
def _find_prediction_address() -> str:
    """The address of a prediction with the nil UUID, cached: `reverse` takes longer than all else that makes one."""
    return reverse("prediction", args=[NIL_UUID])


def make_prediction_id() -> uuid.UUID:
    """A UUIDv7, known before it is stored: the time in milliseconds, which keeps rows in order, and 74 random bits."""
    # Given no time, uuid7 draws random bits once a millisecond and counts on from there: one id would tell the next.
    return uuid_utils.compat.uuid7(nanoseconds=time.time_ns())


class PredictionQuerySet(models.QuerySet["Prediction"]):
    def with_has_outcome(self) -> "PredictionQuerySet":
        """Annotate each with `has_outcome`: whether an outcome is recorded for it."""
        return self.annotate(has_outcome=Exists(Outcome.objects.filter(prediction=OuterRef("pk"))))


class Prediction(models.Model):
    """One prediction with its inputs; an answer is sent only after its row is committed."""

    class Source(models.TextChoices):
        FORM = "form", "form"
        API = "api", "API"
        CSV = "csv", "CSV"

    id = models.UUIDField(primary_key=True, default=make_prediction_id, editable=False)
    version = models.ForeignKey(Version, models.PROTECT, related_name="predictions", db_index=False)
    inputs = models.JSONField()
    output = models.JSONField(help_text="A bare number, or the label of a class.")
    probabilities = models.JSONField(null=True, help_text="By class, where the model gives them.")
    interval = models.JSONField(null=True, help_text="Low and high of the 90 % interval, where the version has one.")
    warnings = models.JSONField(default=list)
    source = models.CharField(max_length=4, choices=Source)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    duration_ms = models.FloatField(help_text="What the model took, in milliseconds, before storing.")

    objects = PredictionQuerySet.as_manager()

    class Meta:
        # Ids are ordered by time, so that an index on a filter's column and the id also gives the order.
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["version", "-id"], name="prediction_version"),
            models.Index(fields=["source", "-id"], name="prediction_source"),
            models.Index(fields=["created_at"], name="prediction_day"),
            models.Index(fields=["-id"], condition=~Q(warnings=[]), name="prediction_warned"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def get_absolute_url(self) -> str:
        return self._address

    @cached_property
    def _address(self) -> str:
        return _find_prediction_address().replace(str(NIL_UUID), str(self.id))

    def write_inputs(self, most: int | None = None) -> list[tuple[str, Written]]:
        """The first inputs, or all, by feature name in the schema's order, which PostgreSQL's JSON does not keep."""
        labels = self.version.schema.get("labels", {})
        return [
            (name, _write_input(self.inputs.get(name), unit=unit, labels=labels.get(name, {})))
            for name, unit in ((each["name"], each["unit"]) for each in self.version.schema["features"][:most])
        ]

    @cached_property
    def decimals(self) -> int | None:
        """The decimals of its output: the recipe's, those of its interval, or without one those of its version."""
        target = self.version.target
        if target.output.decimals is not None:
            return target.output.decimals
        from_interval = None
        if self.interval:
            low, high, output = map(target.to_shown, (*self.interval, self.output))
            from_interval = find_interval_decimals(low, high, inside=output)
        return self.version.decimals if from_interval is None else from_interval

    @cached_property
    def written_output(self) -> Written:
        return self.version.target.write(self.output, decimals=self.decimals)

    @property
    def written_interval(self) -> Written | None:
        """Its interval, formatted for people; None where it has none."""
        if self.interval is None:
            return None
        return self.version.target.write_range(*self.interval, decimals=self.decimals)


def _write_input(value: Any, *, unit: str, labels: Mapping[str, str]) -> Written:
    return Quantity(unit=unit).write(labels.get(value, value) if isinstance(value, str) else value)


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

    def list_for_training(self) -> Iterable[tuple[Any, Any, int, datetime]]:
        """Inputs, value, version's id and moment of each, the first recorded first."""
        return self.order_by("id").values_list("prediction__inputs", "value", "prediction__version", "recorded_at")


class Outcome(models.Model):
    """What really happened, for one prediction. Rows are only ever added; a correction names what it replaces."""

    prediction = models.ForeignKey(Prediction, models.PROTECT, related_name="outcomes")
    value = models.JSONField(help_text="A bare number, or the label of a class.")
    recorded_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    recorded_by = models.CharField(max_length=150)
    replaces = models.OneToOneField("self", models.PROTECT, related_name="replaced_by", null=True)

    objects = OutcomeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            # Where two people record at the same moment, the second gets an error and decides again.
            models.UniqueConstraint(fields=["prediction"], condition=Q(replaces=None), name="outcome_prediction_first"),
        ]

    def __str__(self) -> str:
        return f"{self.written_value} for {self.prediction_id}"

    @property
    def written_value(self) -> Written:
        return self.prediction.version.target.write(self.value)

    @property
    def typed_value(self) -> str:
        """Its value as people would type it: exact, and in the unit that they see."""
        target = self.prediction.version.target
        value = target.to_shown(float(self.value)) if target.task == "regression" else target.restore(self.value)
        return write_value(value)


class RateWindow(models.Model):
    """How often something was done in one window of time; its id is a hash that `access/limits.py` makes."""

    id = models.BigIntegerField(primary_key=True)
    count = models.PositiveIntegerField()
    ends_at = models.FloatField(db_index=True, help_text="Seconds since 1970.")

    def __str__(self) -> str:
        return f"{self.count} until {self.ends_at:.0f}"
