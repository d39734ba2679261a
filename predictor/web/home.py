"""The home page: a card for each model."""

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from predictor.models import Monitoring, Version
from predictor.serving.service import service
from predictor.web.access import SignInNeeded, is_signed_in, may_visit
from predictor.web.pages import render_page
from predictor.web.views import show_model


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What the home page shows of a model; `quality` is empty where it was not measured.

    It `is_alarmed` where the newest run of `manage.py monitor` found that it does worse than it promised.
    """

    version: Version
    target: str
    quality: str
    is_alarmed: bool


@require_http_methods(["GET", "HEAD", "POST"])
def show_default(request: HttpRequest) -> HttpResponse:
    """The default model's form; the home page where there is no default model."""
    return show_model(request, settings.DEFAULT_MODEL) if settings.DEFAULT_MODEL else show_cards(request)


@require_http_methods(["GET", "HEAD", "POST"])
def show_home(request: HttpRequest, slug: str) -> HttpResponse:
    """The home page; the form of the model with the same address where a former build has made one."""
    has_model = any(version.model == slug for version in service.list_live())
    return show_model(request, slug) if has_model else show_cards(request)


@require_safe
def show_cards(request: HttpRequest) -> HttpResponse:
    cards = [card for card in list_cards() if may_visit(request, card.version.model)]
    if not cards and not service.are_all_open and not is_signed_in(request):
        raise SignInNeeded("the home page has nothing for visitors")
    is_hidden = not cards and not service.are_all_open
    context = {"models": service.list_live(), "slug": None, "cards": cards, "is_hidden": is_hidden}
    return render_page(request, "predictor/home.html", context)


def list_cards() -> list[Card]:
    """A card for each model that is served, by its title."""
    fields = ("model", "number", "title", "description", "translations", "schema", "metrics", "data", "created_at")
    alarmed = set(Monitoring.objects.newest().filter(state="alarm").values_list("model", "result__version"))
    return [
        Card(
            version=version,
            target=version.target.label,
            quality=str(version.verdict.sentence) if version.verdict else "",
            is_alarmed=(version.model, version.number) in alarmed,
        )
        for version in Version.objects.served().only(*fields).order_by("title", "model")
    ]
