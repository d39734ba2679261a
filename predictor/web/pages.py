"""Renders a page: whole, or as the fragment that htmx puts into the one that is open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.template.context_processors import csrf
from django.template.loader import get_template
from django.utils import timezone

from predictor.formats import Quantity, Written, format_number, format_share
from predictor.languages import get_language
from predictor.models import Outcome, Prediction, Retirement, Version
from predictor.moments import read_moment
from predictor.schema.target import Target
from predictor.schema.text import Text
from predictor.schema.values import write_value
from predictor.texts import quote


def wants_fragment(request: HttpRequest) -> bool:
    """Only a POST by htmx gets a fragment, so that every address always shows a whole page."""
    return request.method == "POST" and request.META.get("HTTP_HX_REQUEST") == "true"


@cache
def _find_template(template: str, language: str) -> Any:
    return get_template(template)


def find_template(template: str) -> Any:
    """A template of our pages, compiled in the current language."""
    return _find_template(template, get_language().tag)


def is_beside_form(request: HttpRequest) -> bool:
    """Whether htmx puts the fragment next to the form that asked for it, and not in place of the page's content."""
    return request.META.get("HTTP_HX_TARGET") == "answer"


def render_page(request: HttpRequest, template: str, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """Render without Django's `render`, whose context processors add what no template uses."""
    base = "fragment.html" if wants_fragment(request) else "base.html"
    added = {"base": base, "is_beside": is_beside_form(request)}
    return HttpResponse(find_template(template).render({**csrf(request), **added, **context}), status=status)


class ShownValue(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table of inputs; a text in words of one's own gets the whole width."""

    label: str
    value: Written
    is_text: bool


def list_inputs(prediction: Prediction) -> list[ShownValue]:
    """A prediction's inputs, as the version that made it parsed them."""
    return [
        ShownValue(
            label=feature.label,
            value=feature.write(prediction.inputs.get(feature.name)),
            is_text=isinstance(feature, Text),
        )
        for feature in prediction.version.parsed_schema.features
    ]


class ShownInterval(msgspec.Struct, frozen=True, kw_only=True):
    ends: Written
    rows: str
    is_approximate: bool


def describe_interval(prediction: Prediction) -> ShownInterval | None:
    """A prediction's interval, with the rows that it was measured on; None where its version has none."""
    ends, measured = prediction.written_interval, prediction.version.parsed_interval
    if ends is None or measured is None:
        return None
    return ShownInterval(ends=ends, rows=format_number(measured.rows), is_approximate=measured.approximate)


def describe_output(target: Target) -> list[str]:
    """Sentences for what is done with a model's own output before people see it."""
    output, own = target.output, Quantity(unit=target.unit)
    sentences = []
    if output.scale != 1:
        sentences.append(
            f"Pages show it in {target.shown_unit}, {format_number(output.scale)} times the model's own number;"
            f" metrics, the API and files are in {target.unit or 'the unit of the data'}."
        )
    limits = {"at least": output.minimum, "at most": output.maximum}
    parts = [f"{word} {own.write(limit)}" for word, limit in limits.items() if limit is not None]
    if parts:
        sentences.append(f"Its output is {' and '.join(parts)}.")
    if output.bands:
        ends = [f"below {own.write(each.below)}" if each.below is not None else "else" for each in output.bands]
        bands = (f"{end} “{each.label}”" for end, each in zip(ends, output.bands, strict=True))
        sentences.append(f"In words: {', '.join(bands)}.")
    return [*sentences, *([rule] if (rule := describe_threshold(target)) else [])]


def describe_threshold(target: Target) -> str:
    """From which probability on the positive class is the answer; empty where the most probable class is."""
    output = target.output
    if output.threshold is None or output.positive is None:
        return ""
    share = Quantity(unit="%").write(output.threshold * 100)
    return f"The answer is “{target.name_class(output.positive)}” from a probability of {share} on."


@dataclass(frozen=True, kw_only=True)
class ShownProbability:
    label: str
    written: str
    percent: float


def list_probabilities(prediction: Prediction) -> list[ShownProbability]:
    """The classes with their probabilities, the most probable first."""
    shares = prediction.probabilities or {}
    target = prediction.version.parsed_schema.target
    named = ((target.name_class(label), shares[write_value(label)]) for label in (target.classes if shares else ()))
    ranked = sorted(named, key=lambda each: -each[1])
    return [
        ShownProbability(label=label, written=format_share(share), percent=round(share * 100, 1))
        for label, share in ranked
    ]


@dataclass(frozen=True, kw_only=True)
class ShownOutcome:
    """One row of a prediction's log of outcomes."""

    id: int
    value: Written
    recorded_at: datetime
    recorded_by: str


def list_outcomes(prediction: Prediction) -> list[ShownOutcome]:
    """The outcomes of a prediction, newest first: the first is the current one."""
    target = prediction.version.parsed_schema.target
    return [
        ShownOutcome(
            id=outcome.id,
            value=target.write(outcome.value),
            recorded_at=outcome.recorded_at,
            recorded_by=outcome.recorded_by,
        )
        for outcome in Outcome.objects.filter(prediction=prediction).order_by("-id")
    ]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A moment to look up: the typed time (UTC), with the version that was live then or an error message."""

    typed: str
    version: Version | None = None
    was_retired: bool = False
    error: str = ""


def look_up_moment(model: str, typed: str) -> Moment:
    """Find the version of a model that was live at a typed moment; nothing where none was typed."""
    if not typed:
        return Moment(typed="")
    try:
        moment = read_moment(typed)
    except ValueError:
        error = f"{quote(typed)} is not a date with a time: write it like 2026-03-01T12:30."
        return Moment(typed=typed, error=error)
    if moment > timezone.now():
        return Moment(typed=typed, error="This moment is in the future: enter one in the past, in UTC.")
    if Retirement.objects.was_retired_at(model, moment):
        return Moment(typed=typed, was_retired=True)
    return Moment(typed=typed, version=Version.objects.live_at(moment).filter(model=model).first())
