"""The pages of a model and of its versions."""

from typing import Any

from django.conf import settings
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from predictor.models import Figure, Monitoring, Promotion, Retirement, Version
from predictor.record.estimator import name_estimator
from predictor.record.provenance import describe_sources
from predictor.record.written_monitoring import write_monitoring
from predictor.schema.example import choose_example
from predictor.serving.service import service
from predictor.web.caching import never_changes
from predictor.web.history_plots import draw_band, draw_trend
from predictor.web.pages import describe_output, look_up_moment, render_page
from predictor.web.pieces import ChartPieces
from predictor.web.quality_plots import draw_quality
from predictor.web.report_plots import draw_report
from predictor.web.reports import list_facts, show_report
from predictor.web.snippets import MOST_INPUTS, write_snippets
from predictor.web.staff import is_staff
from predictor.web.timeline import list_periods, list_timeline

# Of the timeline; older ones are folded.
SHOWN_VERSIONS = 10


@require_safe
def show_about(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what a model is, how good it is, what became of each version, and how programs use it."""
    live = Version.objects.find_live(slug)
    if live is None:
        raise Http404(f"There is no model {slug!r}.")
    context = describe_version(request, live)
    timeline = list_timeline(slug, live, context["retirement"])
    address = request.build_absolute_uri(reverse("predict", urlconf="predictor.api.urls", args=[slug]))
    schema, with_key = live.parsed_schema, not service.is_free(slug)
    example = choose_example(schema, MOST_INPUTS)
    context |= {
        "timeline": timeline,
        "shown_versions": SHOWN_VERSIONS,
        "band": draw_band(list_periods(slug), timezone.now()),
        "trend": draw_trend([entry.version for entry in timeline.entries], schema.target),
        "moment": look_up_moment(slug, request.GET.get("at", "")),
        "snippets": [] if context["retirement"] else write_snippets(address, example, with_key=with_key),
        "needs_key": with_key,
        "takes_files": settings.FILES,
        "inputs_left_out": max(0, len(schema.features) - MOST_INPUTS),
    }
    return render_page(request, "predictor/about.html", context | describe_live_quality(live))


def describe_live_quality(live: Version) -> dict[str, Any]:
    """What the newest run of `manage.py monitor` found, and when that was; nothing where it never ran."""
    monitoring = Monitoring.objects.find_newest(live.model)
    found = monitoring.parsed_result if monitoring else None
    if monitoring is None or found is None:
        return {}
    return {
        "live_state": found.state,
        "is_alarmed": found.state == "alarm" and found.version == live.number,
        "live_quality": write_monitoring(found, live.parsed_schema, monitoring.computed_at, timezone.now()),
        "live_plot": draw_quality(found.quality, live.target) if found.quality else None,
    }


@require_safe
def show_version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show what one version is, how good it is, and what was decided on it, live or not."""
    promotions = Prefetch("promotions", Promotion.objects.order_by("-id"))
    version = get_object_or_404(Version.objects.prefetch_related(promotions), model=slug, number=number)
    context = describe_version(request, version)
    live = Version.objects.only("number").find_live(slug)
    return render_page(request, "predictor/version.html", {**context, "live": live})


@require_safe
@never_changes
def show_figure(request: HttpRequest, slug: str, number: int, name: str) -> HttpResponse:
    """One figure of a version's report, for an `<img>`; it never changes."""
    figure = get_object_or_404(Figure, version__model=slug, version__number=number, name=name)
    # A policy of its own, since an SVG contains its styles, and nothing else.
    policy = {"Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'"}
    return HttpResponse(figure.svg, content_type="image/svg+xml", headers=policy)


def describe_version(request: HttpRequest, version: Version) -> dict[str, Any]:
    """What a version's page and its model's page share."""
    schema, pieces, plots = version.parsed_schema, ChartPieces(version), draw_report(version)
    words, name = name_estimator(version.estimator)
    return {
        "models": service.list_live(),
        "slug": version.model,
        "version": version,
        "retirement": Retirement.objects.find(version.model),
        "verdict": version.verdict,
        "schema": schema,
        "metrics": version.written_scores,
        "classes": schema.target.listed,
        "about_output": describe_output(schema.target),
        "estimator": {"words": words, "name": name},
        "plots": plots,
        "chart": pieces.base,
        "backdrop": pieces.get_backdrop(pieces.base),
        "chart_keys": pieces.keys,
        "chart_figures": pieces.figures,
        "sources": describe_sources(version.parsed_data),
        "report": show_report(version, drawn_here={plot.name for plot in plots}),
        "facts": list_facts(version, is_for_staff=is_staff(request, version.model)),
    }
