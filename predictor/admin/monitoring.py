"""How a model does now, in all detail: what the newest run of `manage.py monitor` stored."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from predictor.access.rights import limit
from predictor.admin.cells import show_moment
from predictor.models import Monitoring, Version
from predictor.record.drift import Drift
from predictor.record.drift_charts import DriftChart, list_charts
from predictor.record.monitoring import Monitoring as Result
from predictor.record.written_monitoring import name_state, write_age, write_brief, write_monitoring
from predictor.schema.schema import Schema, read_target

SHOWN_CHANGES = 20


def show_quality(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the newest result of one model with all its figures, and when its state changed."""
    if not request.user.has_perm("predictor.view_version"):
        raise PermissionDenied
    live = limit(Version.objects.all(), request.user).find_live(slug)
    if live is None:
        raise Http404(f"There is no model {slug!r}.")
    newest = Monitoring.objects.find_newest(slug)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "opts": Version._meta,
        "title": gettext("Live quality of {model}").format(model=live.shown_title),
        "slug": slug,
        "link_label": gettext("The model's page"),
        "written": None,
        "never": gettext("It was never computed: {command} does it.").format(command=f"./manage.py monitor {slug}"),
    }
    found = newest.parsed_result if newest else None
    if newest is not None and found is not None:
        schema = _find_version(live, found.version).parsed_schema
        context |= {
            "state": newest.state,
            "written": write_monitoring(found, schema, newest.computed_at, timezone.now()),
            "charts_label": gettext("Distributions in training and now"),
            "charts_help": gettext("The left bar of each pair is training, the right one the window's predictions."),
            "figures_label": gettext("Figures"),
            "charts": _list_charts(found, schema),
            "changes_label": gettext("When the state changed"),
            "changes": [
                (show_moment(each.computed_at), name_state(each.state)) for each in _list_changes(slug)[:SHOWN_CHANGES]
            ],
        }
    return TemplateResponse(request, "admin/predictor/version/quality.html", context)


def _list_charts(found: Result, schema: Schema) -> list[DriftChart]:
    return list_charts(found.drift, schema) if isinstance(found.drift, Drift) else []


def _find_version(live: Version, number: int) -> Version:
    return live if live.number == number else Version.objects.get(model=live.model, number=number)


def _list_changes(slug: str) -> Any:
    return Monitoring.objects.changes(slug).only("state", "computed_at")


def list_states(models: Iterable[str]) -> dict[str, SafeString]:
    """For each model that was monitored, its state, what was observed and promised, and when; with a link to all."""
    targets = {
        model: read_target({"target": target, "output": output})
        for model, target, output in Version.objects.live().values_list("model", "schema__target", "schema__output")
    }
    return {
        each.model: format_html(
            '<a href="{}" class="state {}">{}</a> <span class="reason" dir="auto">{}</span>',
            reverse("admin:predictor_version_quality", args=[each.model]),
            each.state.replace(" ", "-"),
            name_state(each.state),
            f"{write_brief(each.parsed_result, targets[each.model])} {write_age(each.computed_at, timezone.now())}",
        )
        for each in Monitoring.objects.newest().filter(model__in=models)
        if each.model in targets and each.parsed_result
    }
