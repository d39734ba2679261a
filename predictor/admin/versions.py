"""The admin of versions with their reports, with the action to promote one, and of the log of promotions."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.access.rights import limit
from predictor.admin.asking import ask
from predictor.admin.cells import show_moment
from predictor.admin.history import HistoryAdmin
from predictor.admin.monitoring import show_quality
from predictor.admin.promoting import PROMOTE, PromotionActionForm, PromotionForm, describe_change, promote_for
from predictor.admin.replaying import may_replay, replay_view, show_newest_replay
from predictor.admin.retrain_form import RetrainForm
from predictor.admin.retraining import RETRAIN, describe_retrain, is_trained_here, may_retrain, retrain_for
from predictor.formats import MISSING, format_number
from predictor.models import Promotion, Version
from predictor.record.drawing import DRAWING_HEIGHT, DRAWING_WIDTH
from predictor.record.estimator import name_estimator
from predictor.record.provenance import describe_sources
from predictor.record.written_data_changes import write_data_changes
from predictor.texts import shorten


@admin.register(Version)
class VersionAdmin(HistoryAdmin):
    model_field = "model"
    list_display = ["__str__", "state", "shown_metrics", "shown_rows", "shown_decision", "moment"]
    list_filter = ["model"]
    ordering = ["-id"]
    actions = ["promote"]
    action_form = PromotionActionForm
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "model",
                    "number",
                    "state",
                    "title",
                    "moment",
                    "shown_verdict",
                    "shown_decision",
                    "shown_comparison",
                    "shown_data_changes",
                    "shown_replay",
                ]
            },
        ),
        (_("Quality"), {"fields": ["shown_scores", "shown_rows", "shown_figures"]}),
        (_("Why"), {"fields": ["shown_model", "shown_importances"]}),
        (
            _("Record"),
            {
                "classes": ["collapse"],
                "fields": [
                    "description",
                    "runtime_note",
                    "shown_report",
                    "shown_estimator",
                    "shown_schema",
                    "split",
                    "data",
                    "shown_sources",
                    "libraries",
                ],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        versions: Any = super().get_queryset(request)
        return versions.for_lists().with_retired_at().annotate(is_live=Q(id__in=Version.objects.live().values("id")))

    @admin.display(description=_("state"))
    def state(self, version: Any) -> str:
        if version.retired_at is not None:
            return gettext("retired")
        return gettext("live") if version.is_live else MISSING

    @admin.display(description=_("metrics (baseline)"))
    def shown_metrics(self, version: Version) -> str:
        return ", ".join(f"{each.label} {each.score} ({each.baseline})" for each in version.written_scores)

    @admin.display(description=_("made"), ordering="created_at")
    def moment(self, version: Version) -> SafeString:
        return show_moment(version.created_at)

    @admin.display(description=_("how good it is"))
    def shown_verdict(self, version: Version) -> str:
        return str(version.verdict or MISSING)

    @admin.display(description=_("metrics"))
    def shown_scores(self, version: Version) -> SafeString:
        rows = ((each.label, each.score, each.interval, each.baseline) for each in version.written_scores)
        head = format_html(
            "<tr><th scope=col>{}</th><th scope=col>{}</th><th scope=col>{}</th><th scope=col>{}</th></tr>",
            *(gettext("Metric"), gettext("This version"), gettext("95 % interval"), gettext("Baseline")),
        )
        body = format_html_join("", "<tr><th scope=row>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
        return format_html('<table class="scores"><thead>{}</thead><tbody>{}</tbody></table>', head, body)

    @admin.display(description=_("model"))
    def shown_model(self, version: Version) -> str:
        words, name = name_estimator(version.estimator)
        return f"{words} ({name})" if words else name

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

    @admin.display(description=_("its table"))
    def shown_data_changes(self, version: Version) -> SafeString | str:
        changes = version.parsed_report.data_changes if version.parsed_report else None
        lines = write_data_changes(changes, version.parsed_schema) if changes else []
        return format_html_join("", "<div>{}</div>", ((line,) for line in lines)) or MISSING

    @admin.display(description=_("newest replay"))
    def shown_replay(self, version: Version) -> SafeString | str:
        return show_newest_replay(version)

    @admin.display(description=_("figures"))
    def shown_figures(self, version: Version) -> SafeString | str:
        figures = version.figures.defer("svg")
        shown = [(f.get_absolute_url(), f.title, DRAWING_WIDTH, DRAWING_HEIGHT) for f in figures]
        return format_html_join(" ", '<img src="{}" alt="{}" width="{}" height="{}" loading="lazy">', shown) or MISSING

    @admin.display(description=_("importances"))
    def shown_importances(self, version: Version) -> SafeString | str:
        scale = version.importance_scale
        rows = [(label, str(scale.write_spread(mean, sd))) for label, mean, sd in version.importances]
        return format_html_join("", "<div>{} {}</div>", rows) or MISSING

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
        return request.user.has_perm(PROMOTE)

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
        promote_for(request, version, reason)

    def get_urls(self) -> list[URLPattern]:
        promoting = self.admin_site.admin_view(self.promote_view)
        own = path("<int:number>/promote/", promoting, name="predictor_version_promote")
        retraining = self.admin_site.admin_view(self.retrain_view)
        again = path("<int:number>/retrain/", retraining, name="predictor_version_retrain")
        # Such an address may carry a file (predictor/upload_paths.py).
        uploading = path("<int:number>/retrain/upload/", retraining, name="predictor_version_retrain_upload")
        replaying = path(
            "<int:number>/replay/", self.admin_site.admin_view(replay_view), name="predictor_version_replay"
        )
        quality = path(
            "quality/<slug:slug>/", self.admin_site.admin_view(show_quality), name="predictor_version_quality"
        )
        return [own, again, uploading, replaying, quality, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        version: Any = self.get_object(request, object_id)
        is_other = version is not None and not version.is_live and version.retired_at is None
        may_promote = is_other and self.has_promote_permission(request)
        labels = {
            "promote_label": gettext("Promote this version") if may_promote else "",
            "retrain_label": gettext("Retrain") if version and may_retrain(request, version.model) else "",
            "replay_label": gettext("Replay") if version and may_replay(request, version) else "",
            "compare_label": gettext("Compare"),
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **labels})

    def promote_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Ask for the reason why the version with this id becomes live, and then promote it."""
        if not self.has_promote_permission(request):
            raise PermissionDenied
        version = get_object_or_404(limit(Version.objects.all(), request.user), pk=number)
        form = PromotionForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and promote_for(request, version, form.cleaned_data["reason"]):
            return redirect("admin:predictor_version_change", version.pk)
        context = {
            **self.admin_site.each_context(request),
            **describe_change(version),
            "opts": self.opts,
            "title": gettext("Promote {version}").format(version=version),
            "form": form,
        }
        return TemplateResponse(request, "admin/predictor/version/promote.html", context)

    def retrain_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Ask whether the model of the version with this id is to be retrained, and then add a job."""
        if not request.user.has_perm(RETRAIN):
            raise PermissionDenied
        version = get_object_or_404(limit(Version.objects.only("model", "number"), request.user), pk=number)
        if not is_trained_here(version.model):
            problem = gettext("{model} was imported: there is no recipe to train it by.")
            raise PermissionDenied(problem.format(model=version.model))
        sent = (request.POST, request.FILES) if request.method == "POST" else ()
        form = RetrainForm(version.model, *sent)
        if request.method == "POST" and form.is_valid():
            job = retrain_for(request, version.model, form)
            if job is not None:
                return redirect("admin:predictor_job_change", job.pk)
        return ask(
            request,
            self.opts,
            **describe_retrain(version),
            form=form,
            action=reverse("admin:predictor_version_retrain_upload", args=[version.pk]),
            back=reverse("admin:predictor_version_change", args=[version.pk]),
        )


class ModelOfVersionFilter(admin.SimpleListFilter):
    """The models that the user may see, where Django's own filter would name all."""

    title = _("model")
    parameter_name = "version__model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(model, model) for model in limit(Version.objects.all(), request.user).list_models()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(version__model=self.value()) if self.value() else queryset


@admin.register(Promotion)
class PromotionAdmin(HistoryAdmin):
    model_field = "version__model"
    list_display = ["moment", "version", "previous", "promoted_by", "reason"]
    list_filter = [ModelOfVersionFilter]
    list_select_related = ()  # Versions have long columns, which would be read for each row.
    ordering = ["-id"]
    fields = ["moment", "version", "previous", "restores", "promoted_by", "reason"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Promotion]:
        named = Version.objects.only("model", "number")
        return super().get_queryset(request).prefetch_related(Prefetch("version", named), Prefetch("previous", named))

    @admin.display(description=_("promoted"), ordering="promoted_at")
    def moment(self, promotion: Promotion) -> SafeString:
        return show_moment(promotion.promoted_at)
