"""One trained state of a model, and which one is live."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, Max, OuterRef, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from predictor.formats import Quantity, find_decimals, format_number
from predictor.languages import ENGLISH, get_language, gettext
from predictor.metrics.names import LABELS, describe_scale, name_metric
from predictor.models.promotion import Promotion
from predictor.models.retirement import Retirement
from predictor.record.comparison import describe_comparison
from predictor.record.decision import Decision, read_decision
from predictor.record.interval import MeasuredInterval, read_interval
from predictor.record.layout import Layout, read_layout
from predictor.record.measurement import Measurement, WrittenScore, read_measurement, write_scores
from predictor.record.profile import Profile, read_profile
from predictor.record.report import Importances, Report, SkippedCompilation, read_report
from predictor.record.source import Source, read_source
from predictor.record.split import Split, read_split
from predictor.record.verdict import Verdict, judge_measurement
from predictor.record.written_decision import show_reason
from predictor.schema.schema import Schema, read_target
from predictor.schema.target import Target
from predictor.schema.translation import Translation, find_translation, read_translations


class VersionQuerySet(models.QuerySet["Version"]):
    def live(self) -> "VersionQuerySet":
        """The live version of each model: the one that its newest promotion names."""
        return self.filter(promotions__in=Promotion.objects.newest())

    def for_lists(self) -> "VersionQuerySet":
        """Without the long columns that only a version's own pages show."""
        return self.defer("description", "estimator", "profile", "layout", "split", "report", "interval", "libraries")

    def find_live(self, model: str) -> "Version | None":
        """The live version of one model; None where none was ever promoted."""
        return self.live().filter(model=model).first()

    def list_models(self) -> list[str]:
        """The slugs of all models, in their order."""
        return list(self.order_by("model").values_list("model", flat=True).distinct())

    def with_access(self) -> "VersionQuerySet":
        """Annotate each with `own_access`: the access of its model's newest version, live or not, as its recipe has it.

        So a retrain that is kept back, or a rollback, never opens what the recipe closes.
        """
        newest = Version.objects.filter(model=OuterRef("model")).order_by("-number")
        return self.annotate(own_access=Subquery(newest.values("access")[:1]))

    def find_access(self, model: str) -> "str | None":
        """The access of a model's newest version; None where its recipe, which may not be there, says nothing."""
        return self.filter(model=model).order_by("-number").values_list("access", flat=True).first()

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

    model = models.CharField(max_length=50, verbose_name=_("model"))
    number = models.PositiveIntegerField(verbose_name=_("number"))
    title = models.CharField(max_length=200, verbose_name=_("title"))
    description = models.TextField(blank=True, verbose_name=_("description"))
    translations = models.JSONField(null=True, help_text="The title and the description by the code of a language.")
    estimator = models.TextField(help_text="What was fitted, as scikit-learn writes it.")
    schema = models.JSONField()
    metrics = models.JSONField(
        help_text="Method, rows, scores with 95 % intervals, and the scores of a dummy baseline."
    )
    profile = models.JSONField(help_text="What the version's picture is drawn from.")
    layout = models.JSONField(null=True, help_text="How its form is arranged, and with what it can be filled in.")
    access = models.CharField(  # noqa: DJ001  # Null, so that processes of the former build can write rows.
        max_length=6,
        null=True,
        editable=False,
        help_text="Who may see its model, public or login; null where FORM_ACCESS decides.",
    )
    split = models.JSONField(
        help_text=_("The feature names and the share that decide which rows are held out."), verbose_name=_("split")
    )
    data = models.JSONField(
        help_text=_("Where the rows came from: file, SHA-256, and how many."), verbose_name=_("data")
    )
    decision = models.JSONField(help_text="What became of it as a challenger, and what that was decided on.")
    report = models.JSONField(default=dict, help_text="How it was made: importances, tuning, duration, git commit.")
    interval = models.JSONField(null=True, help_text="What the 90 % interval of a regression's answer is made of.")
    libraries = models.JSONField(
        help_text=_("The versions of the libraries it was made with."), verbose_name=_("libraries")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("created at"))

    objects = VersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        ordering = ["model", "-number"]
        constraints = [models.UniqueConstraint(fields=["model", "number"], name="version_model_number")]

    def __str__(self) -> str:
        return f"{self.model} {self.number}"

    def get_absolute_url(self) -> str:
        return self._address

    @cached_property
    def _address(self) -> str:
        return reverse("version", args=[self.model, self.number])

    @property
    def shown_title(self) -> str:
        """Its title in the page's language, where its recipe has one."""
        return self._translate("title")

    @property
    def shown_description(self) -> str:
        return self._translate("description")

    @property
    def shown_layout(self) -> Layout:
        """The layout of its form, whose titles are in the page's language, where its recipe has them."""
        found = self._find_words()
        return self.parsed_layout.translate(found.get("groups", {}), found.get("examples", {}))

    def _translate(self, name: str) -> str:
        text: str = self._find_words().get(name) or getattr(self, name)
        return text

    def _find_words(self) -> dict[str, Any]:
        """The recipe's words in the page's language; none for what is not a page, which has the recipe's own words."""
        language = get_language()
        if not self.translations or language is ENGLISH:
            return {}
        found: dict[str, Any] = self.translations.get(language.code, {})
        return found

    @property
    def parsed_schema(self) -> Schema:
        """Its schema, in the words for the page's language."""
        return self._schema.translated

    @cached_property
    def _schema(self) -> Schema:
        return Schema.from_json(self.schema)

    @property
    def target(self) -> Target:
        """What it predicts, without parsing the features, which may be many; in the words for the page's language."""
        translation = find_translation(self._translations) if self._translations else None
        return translation.translate_target(self._target) if translation else self._target

    @property
    def choice_words(self) -> dict[str, dict[str, str]]:
        """The words for choices, by feature, without parsing the features; in the page's language."""
        own: dict[str, dict[str, str]] = self.schema.get("labels", {})
        translation = find_translation(self._translations) if self._translations else None
        translated = translation.choices if translation else {}
        return own | {name: own.get(name, {}) | words for name, words in translated.items()}

    @cached_property
    def _target(self) -> Target:
        return read_target(self.schema)

    @cached_property
    def _translations(self) -> dict[str, Translation]:
        return read_translations(self.schema)

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
    def parsed_layout(self) -> Layout:
        return read_layout(self.layout)

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
            return gettext("from its pickle; an earlier build trained it, which compiled no models.")
        if isinstance(compiled, SkippedCompilation):
            return gettext("from its pickle: {reason}.").format(reason=compiled.shown_reason)
        sentence = gettext(
            "compiled; on {rows} rows of its data and {edge_rows} made at the edges it differs from the pickle by at"
            " most {difference}."
        )
        return sentence.format(
            rows=format_number(compiled.rows),
            edge_rows=format_number(compiled.edge_rows),
            difference=format_number(compiled.difference, digits=1),
        )

    @property
    def scores(self) -> list[tuple[str, float, float | None]]:
        """Each metric's label, score and baseline score, in a fixed order, which PostgreSQL's JSON does not keep."""
        scores, baseline = self.parsed_metrics.scores, self.parsed_metrics.baseline
        return [(name_metric(name), scores[name], baseline.get(name)) for name in LABELS if name in scores]

    @property
    def written_scores(self) -> list[WrittenScore]:
        """Its metrics, formatted for people."""
        return write_scores(self.parsed_metrics, self.target.unit)

    @property
    def shown_decision(self) -> str:
        """Why it went live or was kept back, in the page's language where that can be said."""
        return show_reason(self.parsed_decision)

    @property
    def verdict(self) -> Verdict | None:
        """How good it is, in sentences; None where nothing was measured."""
        return judge_measurement(self.parsed_metrics, self.target)

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
