"""Renders a page: whole, or as the fragment that htmx puts into the one that is open."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.context_processors import csrf
from django.template.loader import get_template
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from predictor.formats import Quantity, format_number
from predictor.languages import get_language, gettext_noop
from predictor.languages import gettext as _
from predictor.models import Retirement, Version
from predictor.moments import read_moment
from predictor.schema.output import Band
from predictor.schema.target import Target
from predictor.texts import quote
from predictor.web.access import describe_visitor

# By which limits there are.
LIMITED = {
    ("minimum",): gettext_noop("Its output is at least {minimum}."),
    ("maximum",): gettext_noop("Its output is at most {maximum}."),
    ("minimum", "maximum"): gettext_noop("Its output is at least {minimum} and at most {maximum}."),
}


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
    visitor = describe_visitor(request, context, status)
    text = find_template(template).render({**csrf(request), **added, **context, **visitor})
    # Without a charset, Django looks for one in its own Content-Type.
    response = HttpResponse(text, status=status, charset="utf-8")
    if visitor:
        patch_vary_headers(response, ["Cookie"])
    return response


def describe_output(target: Target) -> list[str]:
    """Sentences for what is done with a model's own output before people see it."""
    output, own = target.output, Quantity(unit=target.unit)
    sentences = []
    if output.scale != 1:
        sentence = _(
            "Pages show it in {shown}, {factor} times the model's own number; metrics, the API and files are in {own}."
        )
        unit = target.unit or _("the unit of the data")
        sentences.append(sentence.format(shown=target.shown_unit, factor=format_number(output.scale), own=unit))
    if limits := {name: each for name in ("minimum", "maximum") if (each := getattr(output, name)) is not None}:
        sentence = _(LIMITED[tuple(limits)])
        sentences.append(sentence.format(**{name: own.write(limit) for name, limit in limits.items()}))
    if output.bands:
        bands = (_describe_band(band, own) for band in output.bands)
        sentences.append(_("In words: {bands}.").format(bands=", ".join(bands)))
    return [*sentences, *([rule] if (rule := describe_threshold(target)) else [])]


def _describe_band(band: Band, own: Quantity) -> str:
    label = quote(band.label)
    if band.below is None:
        return _("else {label}").format(label=label)
    return _("below {end} {label}").format(end=own.write(band.below), label=label)


def describe_threshold(target: Target) -> str:
    """From which probability on the positive class is the answer; empty where the most probable class is."""
    output = target.output
    if output.threshold is None or output.positive is None:
        return ""
    share = Quantity(unit="%").write(output.threshold * 100)
    sentence = _("The answer is {of_class} from a probability of {share} on.")
    return sentence.format(of_class=quote(target.name_class(output.positive)), share=share)


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
        error = _("{typed} is not a date with a time: write it like 2026-03-01T12:30.")
        return Moment(typed=typed, error=error.format(typed=quote(typed)))
    if moment > timezone.now():
        return Moment(typed=typed, error=_("This moment is in the future: enter one in the past, in UTC."))
    if Retirement.objects.was_retired_at(model, moment):
        return Moment(typed=typed, was_retired=True)
    return Moment(typed=typed, version=Version.objects.live_at(moment).filter(model=model).first())
