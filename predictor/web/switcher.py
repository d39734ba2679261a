"""The list of models in the header of each page."""

from collections.abc import Iterable
from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from predictor.languages import get_language
from predictor.models import Version

# What can be read at a glance needs no search.
MOST_UNSEARCHED = 8
# A model of this name came before the home page, and keeps its address.
HOME_SLUG = "models"


def show_switcher(models: Iterable[Version], slug: str | None) -> SafeString:
    """The links to these models, `slug` being the one that the page is about."""
    return _render_switcher(tuple((each.model, each.shown_title) for each in models), slug, get_language().tag)


@lru_cache(maxsize=200)
def _render_switcher(models: tuple[tuple[str, str], ...], slug: str | None, language: str) -> SafeString:
    titles = dict(models)
    has_home = HOME_SLUG not in titles
    context = {
        "models": models,
        "slug": slug,
        "current": titles.get(slug or ""),
        "most_unsearched": MOST_UNSEARCHED,
        "home": reverse("home") if has_home else None,
    }
    return mark_safe(render_to_string("predictor/_switcher.html", context))  # noqa: S308  # Our template.
