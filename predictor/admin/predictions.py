"""The admin of predictions with their outcomes, to search and to read."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from predictor.admin.cells import fold, judge_outcome, show_moment
from predictor.admin.exporting import ExportMixin
from predictor.admin.history import HistoryAdmin
from predictor.admin.outcomes import make_record_url
from predictor.admin.own_columns import make_columns
from predictor.formats import MISSING, Quantity, format_number, format_share
from predictor.models import Outcome, Prediction, Version
from predictor.texts import shorten

# Shown for each prediction in the list; a model may have thousands, and a prediction's own page shows them all.
MOST_INPUTS = 20
# Offered by a filter.
MOST_VERSIONS = 20


class ModelFilter(admin.SimpleListFilter):
    """Filters by the model's slug; its choices come from the versions, not from a scan of the history."""

    title = _("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        slugs = Version.objects.order_by("model").values_list("model", flat=True).distinct()
        return [(slug, slug) for slug in slugs]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        versions = Version.objects.filter(model=self.value())
        return queryset.filter(version__in=versions) if self.value() else queryset


class VersionFilter(admin.SimpleListFilter):
    """Filters by version. There may be thousands: its choices are the newest of the chosen model, or the live ones."""

    title = _("version")
    parameter_name = "version__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        model = request.GET.get(ModelFilter.parameter_name)
        versions = Version.objects.only("model", "number")
        offered = versions.filter(model=model).order_by("-number") if model else versions.live().order_by("model")
        found = {str(version.pk): str(version) for version in offered[:MOST_VERSIONS]}
        chosen = self.value()
        if chosen and chosen not in found:
            found |= {str(version.pk): str(version) for version in versions.filter(id=chosen)}
        return list(found.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(version=self.value()) if self.value() else queryset


class WarningsFilter(admin.SimpleListFilter):
    title = _("warnings")
    parameter_name = "warned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", gettext("With warnings")), ("no", gettext("Without"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        conditions = {"yes": ~Q(warnings=[]), "no": Q(warnings=[])}
        chosen = conditions.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


class OutcomeFilter(admin.SimpleListFilter):
    title = _("outcome")
    parameter_name = "happened"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", gettext("With an outcome")), ("no", gettext("Without"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.with_has_outcome().filter(has_outcome=self.value() == "yes")


class OutcomeLog(admin.TabularInline):
    """The recorded outcomes of a prediction, shown below it."""

    model = Outcome
    verbose_name_plural = _("what really happened, newest first")
    fields = ["shown_value", "recorded_at", "recorded_by"]
    readonly_fields = ["shown_value", "recorded_at", "recorded_by"]
    ordering = ["-id"]
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Outcome]:
        return super().get_queryset(request).select_related("prediction__version")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("value"))
    def shown_value(self, outcome: Outcome) -> str:
        return str(outcome.written_value)


@admin.register(Prediction)
class PredictionAdmin(ExportMixin, HistoryAdmin):
    list_display = ["moment", "version", "answer", "happened", "verdict", "first_warnings", "source", "first_inputs"]
    list_filter = [ModelFilter, VersionFilter, "created_at", "source", WarningsFilter, OutcomeFilter]
    inlines = [OutcomeLog]
    list_select_related = ()  # A version's schema may be long: it is fetched once, not for each row.
    date_hierarchy = "created_at"
    ordering = ["-id"]
    search_fields = ["id"]
    search_help_text = _("The id of a prediction, as in the address of its page.")
    fields = [
        "id",
        "version",
        "moment",
        "shown_inputs",
        "shown_output",
        "shown_interval",
        "shown_probabilities",
        "shown_warnings",
        "source",
        "shown_duration",
        "page",
        "record",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Prediction]:
        current = Prefetch("outcomes", Outcome.objects.current(), to_attr="current_outcomes")
        versions = Prefetch("version", Version.objects.defer("report"))
        return super().get_queryset(request).prefetch_related(current, versions)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """With columns for the inputs of the one model that the list is filtered by."""
        return [*self.list_display, *make_columns(request.GET.get(ModelFilter.parameter_name, ""))]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        may_record = request.user.has_perm("predictor.add_outcome")
        return self.fields if may_record else [name for name in self.fields or [] if name != "record"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        try:
            return queryset.filter(id=UUID(search_term.strip())), False
        except ValueError:
            messages.warning(request, gettext("“{text}” is not the id of a prediction.").format(text=search_term))
            return queryset.none(), False

    @admin.display(description=_("made"), ordering="created_at")
    def moment(self, prediction: Prediction) -> SafeString:
        return show_moment(prediction.created_at)

    @admin.display(description=_("inputs"))
    def shown_inputs(self, prediction: Prediction) -> SafeString:
        rows = ((f"{name} = {value}",) for name, value in prediction.write_inputs())
        return format_html_join("", "<div>{}</div>", rows)

    @admin.display(description=_("inputs"))
    def first_inputs(self, prediction: Prediction) -> str:
        shown = [f"{name} = {shorten(str(value))}" for name, value in prediction.write_inputs(MOST_INPUTS)]
        inputs = len(prediction.version.schema["features"])
        more = inputs - len(shown)
        rest = [gettext("and {count} more").format(count=format_number(more))] if more else []
        count = ngettext("{count} input", "{count} inputs", inputs).format(count=format_number(inputs))
        return fold(count, [", ".join([*shown, *rest])])

    @admin.display(description=_("answer (90 % interval)"))
    def answer(self, prediction: Prediction) -> SafeString | str:
        interval = prediction.written_interval
        if interval is None:
            return str(prediction.written_output)
        return format_html('{} <span class="range">({})</span>', prediction.written_output, interval)

    @admin.display(description=_("output"))
    def shown_output(self, prediction: Prediction) -> str:
        return str(prediction.written_output)

    @admin.display(description=_("90 % interval"))
    def shown_interval(self, prediction: Prediction) -> str:
        return str(prediction.written_interval or MISSING)

    @admin.display(description=_("probabilities"))
    def shown_probabilities(self, prediction: Prediction) -> str:
        ranked = sorted((prediction.probabilities or {}).items(), key=lambda item: -item[1])
        words = prediction.version.target.words
        return ", ".join(f"{words.write(code)}: {format_share(share)}" for code, share in ranked) or MISSING

    @admin.display(description=_("duration"))
    def shown_duration(self, prediction: Prediction) -> str:
        return str(Quantity(unit="ms", decimals=2).write(prediction.duration_ms))

    @admin.display(description=_("warnings"))
    def shown_warnings(self, prediction: Prediction) -> str:
        return "; ".join(prediction.written_warnings) or MISSING

    @admin.display(description=_("warnings"))
    def first_warnings(self, prediction: Prediction) -> str:
        count = len(prediction.warnings)
        return fold(
            ngettext("{count} warning", "{count} warnings", count).format(count=count), prediction.written_warnings
        )

    @admin.display(description=_("what happened"))
    def happened(self, prediction: Any) -> str:
        target = prediction.version.target
        return ", ".join(str(target.write(each.value)) for each in prediction.current_outcomes) or MISSING

    @admin.display(description=_("verdict"))
    def verdict(self, prediction: Any) -> str:
        return "; ".join(judge_outcome(prediction, each.value) for each in prediction.current_outcomes) or MISSING

    @admin.display(description=_("record"))
    def record(self, prediction: Prediction) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', make_record_url(prediction.id), gettext("Record what really happened")
        )

    @admin.display(description=_("page"))
    def page(self, prediction: Prediction) -> SafeString:
        return format_html('<a href="{}">{}</a>', prediction.get_absolute_url(), gettext("As the visitor sees it"))
