"""The admin of versions with their reports, with the action to promote one, and of the log of promotions."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.admin.history import HistoryAdmin
from predictor.exceptions import ArtifactError, ModelRetired
from predictor.formats import MISSING, format_number
from predictor.models import Promotion, Version
from predictor.record.drawing import DRAWING_HEIGHT, DRAWING_WIDTH
from predictor.record.provenance import describe_sources
from predictor.registry.versions import promote
from predictor.texts import shorten


class PromotionForm(ActionForm):
    """The form above the list of versions: an action and its reason."""

    reason = forms.CharField(
        required=False, max_length=1000, label=_("Reason"), help_text=_("Why it is promoted; kept in the log.")
    )


@admin.register(Version)
class VersionAdmin(HistoryAdmin):
    list_display = ["__str__", "state", "title", "shown_metrics", "shown_rows", "shown_decision", "created_at"]
    list_filter = ["model"]
    ordering = ["-id"]
    actions = ["promote"]
    action_form = PromotionForm
    fields = [
        "model",
        "number",
        "state",
        "title",
        "description",
        "created_at",
        "shown_metrics",
        "shown_intervals",
        "shown_rows",
        "shown_decision",
        "shown_comparison",
        "shown_figures",
        "shown_importances",
        "shown_report",
        "runtime_note",
        "shown_estimator",
        "shown_schema",
        "split",
        "data",
        "shown_sources",
        "libraries",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        versions: Any = super().get_queryset(request).defer("report")  # Long, and only one version's page shows it.
        return versions.with_retired_at().annotate(is_live=Q(id__in=Version.objects.live().values("id")))

    @admin.display(description=_("state"))
    def state(self, version: Any) -> str:
        if version.retired_at is not None:
            return gettext("retired")
        return gettext("live") if version.is_live else MISSING

    @admin.display(description=_("metrics (baseline)"))
    def shown_metrics(self, version: Version) -> str:
        return ", ".join(f"{each.label} {each.score} ({each.baseline})" for each in version.written_scores)

    @admin.display(description=_("95 % intervals"))
    def shown_intervals(self, version: Version) -> str:
        known = [each for each in version.written_scores if each.interval != MISSING]
        return ", ".join(f"{each.label} {each.interval}" for each in known) or MISSING

    @admin.display(description=_("rows trained on / measured on"))
    def shown_rows(self, version: Version) -> str:
        rows, measured = version.parsed_data.training_rows, version.parsed_metrics
        trained_on = gettext("unknown") if rows is None else format_number(rows)
        return f"{trained_on} / {format_number(measured.rows)} ({measured.method})"

    @admin.display(description=_("sources of the rows"))
    def shown_sources(self, version: Version) -> str:
        return describe_sources(version.parsed_data) or gettext("{file} only").format(file=version.parsed_data.file)

    @admin.display(description=_("decision"))
    def shown_decision(self, version: Version) -> str:
        return version.shown_decision

    @admin.display(description=_("comparison"))
    def shown_comparison(self, version: Version) -> str:
        return "; ".join(version.comparison) or MISSING

    @admin.display(description=_("figures"))
    def shown_figures(self, version: Version) -> SafeString | str:
        figures = version.figures.defer("svg")
        shown = [(f.get_absolute_url(), f.title, DRAWING_WIDTH, DRAWING_HEIGHT) for f in figures]
        return format_html_join(" ", '<img src="{}" alt="{}" width="{}" height="{}" loading="lazy">', shown) or MISSING

    @admin.display(description=_("importances"))
    def shown_importances(self, version: Version) -> str:
        scale = version.importance_scale
        return (
            "; ".join(f"{label} {scale.write_spread(mean, sd)}" for label, mean, sd in version.importances) or MISSING
        )

    @admin.display(description=_("report"))
    def shown_report(self, version: Version) -> SafeString:
        report = {name: value for name, value in version.report.items() if name != "importances"}
        return format_html("<pre>{}</pre>", json.dumps(report, indent=2, ensure_ascii=False))

    @admin.display(description=_("served"))
    def runtime_note(self, version: Version) -> str:
        return version.runtime_note

    @admin.display(description=_("estimator"))
    def shown_estimator(self, version: Version) -> SafeString:
        return format_html("<pre>{}</pre>", version.estimator)

    @admin.display(description=_("schema"))
    def shown_schema(self, version: Version) -> SafeString:
        features = version.schema["features"]
        short = [{**each, "words": shorten(each["words"])} if "words" in each else each for each in features]
        shown = {**version.schema, "features": short}
        return format_html("<pre>{}</pre>", json.dumps(shown, indent=2, ensure_ascii=False))

    def has_promote_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("predictor.add_promotion")

    @admin.action(description=_("Promote: make this version live"), permissions=["promote"])
    def promote(self, request: HttpRequest, queryset: QuerySet[Version]) -> None:
        if queryset.count() != 1:
            messages.error(request, gettext("Select one version: only one version of a model can be live."))
            return
        version, reason = queryset.get(), request.POST.get("reason", "").strip()
        if not reason:
            problem = gettext("Not promoted: enter the reason why {version} should be live, for the log.")
            messages.error(request, problem.format(version=version))
            return
        try:
            promotion = promote(version, by=request.user.get_username(), reason=reason)
        except ModelRetired as error:
            problem = gettext("Not promoted: {problem}; {remedy}.")
            messages.error(request, problem.format(problem=error, remedy=error.remedy))
        except ArtifactError as error:
            problem = gettext("Not promoted: {version} could not be loaded: {problem}.")
            messages.error(request, problem.format(version=version, problem=error))
        else:
            result = gettext("Live now: {version}.") if promotion else gettext("Live already: {version}.")
            messages.success(request, result.format(version=version))


@admin.register(Promotion)
class PromotionAdmin(HistoryAdmin):
    list_display = ["promoted_at", "version", "previous", "promoted_by", "reason"]
    list_filter = ["version__model"]
    list_select_related = ["version", "previous"]
    ordering = ["-id"]
