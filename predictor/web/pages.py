"""Renders a page: whole, or as the fragment that htmx puts into the one that is open."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.context_processors import csrf
from django.template.loader import get_template
from django.utils import timezone

from predictor.formats import Quantity, format_number
from predictor.languages import get_language
from predictor.models import Retirement, Version
from predictor.moments import read_moment
from predictor.schema.target import Target
from predictor.texts import quote


class SeeOther(HttpResponseRedirect):
    """A redirect that a POST is followed by a GET to, as the protocol defines it."""

    status_code = 303


def wants_fragment(request: HttpRequest) -> bool:
    """Only a POST by htmx gets a fragment, so that every address always shows a whole page."""
    return request.method == "POST" and request.META.get("HTTP_HX_REQUEST") == "true"


@cache
def _find_template(template: str, language: str) -> Any:
    return get_template(template)


def find_template(template: str) -> Any:
    """A template of our pages, compiled in the current language."""
    return _find_template(template, get_language().tag)


def is_next_to_form(request: HttpRequest) -> bool:
    """Whether htmx puts the fragment next to the form that asked for it, and not in place of the page's content."""
    return request.META.get("HTTP_HX_TARGET") == "answer"


def render_page(request: HttpRequest, template: str, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """Render without Django's `render`, whose context processors add what no template uses."""
    base = "fragment.html" if wants_fragment(request) else "base.html"
    added = {"base": base, "is_next_to_form": is_next_to_form(request)}
    text = find_template(template).render({**csrf(request), **added, **context})
    # Without a charset, Django looks for one in its own Content-Type.
    return HttpResponse(text, status=status, charset="utf-8")


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
