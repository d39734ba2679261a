"""What a reviewer sees. History is read here, never written by hand; the one thing to do is to promote."""

import json
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from predictor.exceptions import ArtifactError
from predictor.metrics import format_score
from predictor.models import Prediction, Promotion, Version
from predictor.schema import format_value
from predictor.serving import registry

admin.site.site_header = "mlsite"
admin.site.site_title = "mlsite"
admin.site.index_title = "History and versions"


class HistoryAdmin(admin.ModelAdmin):
    """Rows that nobody adds, changes or deletes by hand."""

    show_full_result_count = False  # Counting a long history twice a page helps nobody.

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ModelFilter(admin.SimpleListFilter):
    """Narrows by the model's slug; its choices come from the versions, not from a scan of the history."""

    title = "model"
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        slugs = Version.objects.order_by("model").values_list("model", flat=True).distinct()
        return [(slug, slug) for slug in slugs]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        versions = Version.objects.filter(model=self.value())
        return queryset.filter(version__in=versions) if self.value() else queryset


class WarningsFilter(admin.SimpleListFilter):
    title = "warnings"
    parameter_name = "warned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "With warnings"), ("no", "Without")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        conditions = {"yes": ~Q(warnings=[]), "no": Q(warnings=[])}
        chosen = conditions.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


@admin.register(Prediction)
class PredictionAdmin(HistoryAdmin):
    list_display = ["created_at", "version", "shown_inputs", "shown_output", "source", "shown_warnings"]
    list_filter = [ModelFilter, "version", "created_at", "source", WarningsFilter]
    list_select_related = ["version"]
    date_hierarchy = "created_at"
    ordering = ["-id"]
    search_fields = ["id"]
    search_help_text = "The id of a prediction, as its page's address has it."
    fields = [
        "id",
        "version",
        "created_at",
        "shown_inputs",
        "shown_output",
        "shown_probabilities",
        "shown_warnings",
        "source",
        "duration_ms",
        "page",
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        try:
            return queryset.filter(id=UUID(search_term.strip())), False
        except ValueError:
            messages.warning(request, f"“{search_term}” is not the id of a prediction.")
            return queryset.none(), False

    @admin.display(description="inputs")
    def shown_inputs(self, prediction: Prediction) -> str:
        return ", ".join(f"{name} = {format_value(value)}" for name, value in prediction.ordered_inputs)

    @admin.display(description="output")
    def shown_output(self, prediction: Prediction) -> str:
        return format_value(prediction.output)

    @admin.display(description="probabilities")
    def shown_probabilities(self, prediction: Prediction) -> str:
        ranked = sorted((prediction.probabilities or {}).items(), key=lambda item: -item[1])
        return ", ".join(f"{label}: {share:.4f}" for label, share in ranked) or "–"

    @admin.display(description="warnings")
    def shown_warnings(self, prediction: Prediction) -> str:
        return "; ".join(prediction.warnings) or "–"

    @admin.display(description="page")
    def page(self, prediction: Prediction) -> SafeString:
        return format_html('<a href="{}">As the visitor saw it</a>', prediction.get_absolute_url())


class PromotionForm(ActionForm):
    """The row above the list of versions: an action, and why."""

    reason = forms.CharField(required=False, max_length=1000, help_text="Why it is promoted, for the log.")


@admin.register(Version)
class VersionAdmin(HistoryAdmin):
    list_display = ["__str__", "is_live", "title", "shown_metrics", "shown_rows", "shown_decision", "created_at"]
    list_filter = ["model"]
    ordering = ["-id"]
    actions = ["promote"]
    action_form = PromotionForm
    fields = [
        "model",
        "number",
        "is_live",
        "title",
        "description",
        "created_at",
        "shown_metrics",
        "shown_rows",
        "shown_decision",
        "shown_estimator",
        "shown_schema",
        "split",
        "data",
        "libraries",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Version]:
        return super().get_queryset(request).annotate(live=Q(id__in=Version.objects.live().values("id")))

    @admin.display(description="live", boolean=True)
    def is_live(self, version: Any) -> bool:
        return bool(version.live)

    @admin.display(description="metrics (baseline)")
    def shown_metrics(self, version: Version) -> str:
        return ", ".join(
            f"{label} {format_score(score)} ({format_score(baseline)})" for label, score, baseline in version.scores
        )

    @admin.display(description="rows learnt from / measured on")
    def shown_rows(self, version: Version) -> str:
        return f"{version.data['training_rows']} / {version.metrics['rows']} ({version.metrics['method']})"

    @admin.display(description="judged")
    def shown_decision(self, version: Version) -> str:
        return str(version.decision["reason"])

    @admin.display(description="estimator")
    def shown_estimator(self, version: Version) -> SafeString:
        return format_html("<pre>{}</pre>", version.estimator)

    @admin.display(description="schema")
    def shown_schema(self, version: Version) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(version.schema, indent=2, ensure_ascii=False))

    def has_promote_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("predictor.add_promotion")

    @admin.action(description="Promote: make this version live", permissions=["promote"])
    def promote(self, request: HttpRequest, queryset: QuerySet[Version]) -> None:
        if queryset.count() != 1:
            messages.error(request, "Choose one version: only one of a model can be live.")
            return
        version, reason = queryset.get(), request.POST.get("reason", "").strip()
        if not reason:
            messages.error(request, f"Not promoted: say why {version} should be live, for the log.")
            return
        try:
            promotion = registry.promote(version, by=request.user.get_username(), reason=reason)
        except ArtifactError as error:
            messages.error(request, f"Not promoted: {version} could not be loaded: {error}.")
        else:
            messages.success(request, f"Live {'now' if promotion else 'already'}: {version}.")


@admin.register(Promotion)
class PromotionAdmin(HistoryAdmin):
    list_display = ["promoted_at", "version", "previous", "promoted_by", "reason"]
    list_filter = ["version__model"]
    list_select_related = ["version", "previous"]
    ordering = ["-id"]
