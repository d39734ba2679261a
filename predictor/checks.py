"""Misconfiguration and unusable artifacts, found by `manage.py check` and before the server starts."""

from collections.abc import Iterable, Sequence
from typing import Any

import django.db
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from predictor.exceptions import ArtifactError
from predictor.schema import SLUG

SHORTEST_KEY = 50
FEWEST_CHARACTERS = 5


@register()
def check_keys(**kwargs: Any) -> Iterable[CheckMessage]:
    """Both keys are there, long and random enough, and not the same."""
    keys = {"SECRET_KEY": read_secret_key(), "MODEL_SIGNING_KEY": settings.MODEL_SIGNING_KEY}
    hint = "Run bin/run once, which writes .env; or set it to what `openssl rand -hex 32` prints."
    for number, (name, key) in enumerate(keys.items(), start=1):
        if not key:
            yield Error(f"{name} is not set.", hint=hint, id=f"predictor.E00{number}")
        elif len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS:
            problem = f"{name} is weak: it has {len(key)} characters, {len(set(key))} of them different."
            yield Error(problem, hint=f"At least {SHORTEST_KEY}, random. {hint}", id=f"predictor.E00{number}")
    if settings.MODEL_SIGNING_KEY and len(set(keys.values())) == 1:
        yield Error(
            "MODEL_SIGNING_KEY is the same as SECRET_KEY.", hint="Give it a key of its own.", id="predictor.E003"
        )


def read_secret_key() -> str:
    """Django raises at the first look at an empty key, before anybody could say so more kindly."""
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:
        return ""


@register()
def check_history_lasts(**kwargs: Any) -> Iterable[CheckMessage]:
    """A dyno's disk is lost at every restart, and the history with it."""
    if settings.IS_ON_DYNO and settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        hint = "Run `heroku addons:create heroku-postgresql:essential-0`, which sets DATABASE_URL."
        yield Error("This is a dyno, and its database would be a file that vanishes.", hint=hint, id="predictor.E004")


@register()
def check_database_url(**kwargs: Any) -> Iterable[CheckMessage]:
    """DATABASE_URL could be read; its value may hold a password and is not repeated."""
    if not settings.IS_DATABASE_URL_READABLE:
        hint = "Write postgres://USER:PASSWORD@HOST:PORT/NAME or sqlite:///PATH."
        yield Error("DATABASE_URL is not the address of a database.", hint=hint, id="predictor.E006")


@register()
def check_default_model(**kwargs: Any) -> Iterable[CheckMessage]:
    """The first page can be one of a model."""
    if not SLUG.fullmatch(settings.DEFAULT_MODEL):
        problem = f"DEFAULT_MODEL is {settings.DEFAULT_MODEL!r}, which is no model's slug."
        yield Error(problem, hint="Name a folder of ml_models/, such as line.", id="predictor.E005")


@register()
def check_model_max_mb(**kwargs: Any) -> Iterable[CheckMessage]:
    """Models have a size that they may not exceed."""
    if settings.MODEL_MAX_MB < 1:
        problem = "MODEL_MAX_MB is no whole number above 0."
        yield Error(problem, hint="Write megabytes, such as 100, or leave it out.", id="predictor.E007")


@register(Tags.database)
def check_live_versions(databases: Sequence[str] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """What is live could be loaded here: verified, never loaded. Says nothing about tables that are not there yet."""
    from predictor.models import Version
    from predictor.serving.registry import verify_servable

    if not databases or "default" not in databases:
        return
    try:
        live = list(Version.objects.live())
    except django.db.Error:
        return
    if settings.DEFAULT_MODEL not in [version.model for version in live]:
        problem = f"DEFAULT_MODEL is {settings.DEFAULT_MODEL!r}, which has no live version: the first page has no form."
        yield Warning(problem, hint=f"Run `manage.py retrain {settings.DEFAULT_MODEL}`.", id="predictor.W002")
    for version in live:
        try:
            verify_servable(version)
        except ArtifactError as error:
            problem = f"{version} is live but cannot be served ({type(error).__name__}): {error}."
            yield Warning(problem, hint=f"Run `manage.py retrain {version.model}`.", id="predictor.W001")
