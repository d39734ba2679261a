"""Who may predict by the API, and whether the site has decided it."""

from collections.abc import Iterable, Sequence
from typing import Any

import django.db
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

KNOWN = ("public", "keys")


@register()
def check_api_access(**kwargs: Any) -> Iterable[CheckMessage]:
    """API_ACCESS is known, or not set."""
    if settings.API_ACCESS and settings.API_ACCESS not in KNOWN:
        problem = f"API_ACCESS is {settings.API_ACCESS!r}, which is neither public nor keys."
        hint = "Write public, by which everybody may predict, or keys, by which only whoever has a key may."
        yield Error(problem, hint=hint, id="predictor.E035")


@register(Tags.database)
def check_decision(databases: Sequence[str] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """A site whose API was in use before there were keys has decided whether it stays open to everybody.

    Reports nothing about a missing table or column: `migrate`, which creates them, runs this check first.
    """
    if not databases or "default" not in databases or settings.API_ACCESS:
        return
    from predictor.models import Site

    try:
        is_kept_public = Site.objects.filter(api_access="public").exists()
    except django.db.Error:
        return
    if is_kept_public:
        problem = "API_ACCESS is not set: everybody may predict by the API, as before this build."
        hint = "Set it to public to keep that, or to keys once your programs have keys (`manage.py createkey`)."
        yield Warning(problem, hint=hint, id="predictor.W007")
