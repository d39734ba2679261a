"""Renders a page: whole, or as the fragment that htmx puts into the one that is open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.context_processors import csrf
from django.template.loader import render_to_string
from django.utils import timezone

from predictor.metrics import format_score
from predictor.models import Outcome, Prediction, Version
from predictor.moments import read_moment
from predictor.schema import format_range, format_value, quote, write_value


def wants_fragment(request: HttpRequest) -> bool:
    """Only a POST by htmx is answered with a fragment, so that every address always shows a whole page."""
    return request.method == "POST" and request.META.get("HTTP_HX_REQUEST") == "true"


def render_page(request: HttpRequest, template: str, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """Not by Django's `render`: its context processors offer templates what none of them asks for."""
    base = "fragment.html" if wants_fragment(request) else "base.html"
    return HttpResponse(render_to_string(template, {**csrf(request), **context, "base": base}), status=status)


@dataclass(frozen=True, kw_only=True)
class ShownValue:
    """One line of a table of inputs or metrics."""

    label: str
    value: str
    unit: str = ""
    baseline: str = ""
    interval: str = ""


def list_inputs(prediction: Prediction) -> list[ShownValue]:
    """A prediction's inputs, as the version that answered it understood them."""
    shown = []
    for feature in prediction.version.parsed_schema.features:
        value = prediction.inputs.get(feature.name)
        unit = "" if value is None else feature.unit
        shown.append(ShownValue(label=feature.label, value=format_value(value), unit=unit))
    return shown


def list_metrics(version: Version) -> list[ShownValue]:
    """A version's metrics, each with its 95 % interval and beside its baseline."""
    return [
        ShownValue(
            label=label,
            value=format_score(score),
            interval=" to ".join(map(format_score, version.score_intervals.get(label, []))),
            baseline=format_score(baseline),
        )
        for label, score, baseline in version.scores
    ]


@dataclass(frozen=True, kw_only=True)
class ShownInterval:
    low: str
    high: str
    rows: int
    is_approximate: bool


def describe_interval(prediction: Prediction) -> ShownInterval | None:
    """A prediction's interval, with the rows that it was measured on; None where its version has none."""
    measured = prediction.version.measured_interval
    if prediction.interval is None or measured is None:
        return None
    low, high = format_range(*prediction.interval)
    return ShownInterval(low=low, high=high, rows=measured.rows, is_approximate=measured.approximate)


@dataclass(frozen=True, kw_only=True)
class ShownProbability:
    label: str
    percent: float


def list_probabilities(prediction: Prediction) -> list[ShownProbability]:
    """The classes with their probabilities, the most probable first."""
    shares = prediction.probabilities or {}
    classes = prediction.version.parsed_schema.target.classes if shares else ()
    shown = [
        ShownProbability(label=format_value(label), percent=round(shares[write_value(label)] * 100, 1))
        for label in classes
    ]
    return sorted(shown, key=lambda each: -each.percent)


@dataclass(frozen=True, kw_only=True)
class ShownOutcome:
    """One row of a prediction's log of outcomes."""

    id: int
    value: str
    recorded_at: datetime
    recorded_by: str


def list_outcomes(prediction: Prediction) -> list[ShownOutcome]:
    """What was recorded for a prediction, the newest first: that one holds now."""
    target = prediction.version.parsed_schema.target
    return [
        ShownOutcome(
            id=outcome.id,
            value=format_value(target.restore(outcome.value)),
            recorded_at=outcome.recorded_at,
            recorded_by=outcome.recorded_by,
        )
        for outcome in Outcome.objects.filter(prediction=prediction).order_by("-id")
    ]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What somebody asked about the past: the typed time (UTC), and the version that answered or what is wrong."""

    typed: str
    version: Version | None = None
    error: str = ""


def look_up_moment(model: str, typed: str) -> Moment:
    """Find the version of a model that was live at a typed moment; nothing typed asks nothing."""
    if not typed:
        return Moment(typed="")
    try:
        moment = read_moment(typed)
    except ValueError:
        error = f"{quote(typed)} is not a date with a time: write it like 2026-03-01T12:30."
        return Moment(typed=typed, error=error)
    if moment > timezone.now():
        return Moment(typed=typed, error="That moment is still to come: give one that is past, in UTC.")
    return Moment(typed=typed, version=Version.objects.live_at(moment).filter(model=model).first())
