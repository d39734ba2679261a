"""Which settings are required in production, and which values are refused."""

import math
import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from predictor import telemetry
from predictor.access.rates import read_rate
from predictor.alerts import find_key
from predictor.embed_origins import EXPECTED_ORIGIN, is_origin
from predictor.files.keeping import read_files_kept
from predictor.formats import write_count
from predictor.languages import LANGUAGES
from predictor.moments import read_duration
from predictor.schema.schema import SLUG
from predictor.timing import read_zone

# Of the numbers that gunicorn.conf.py reads.
SMALLEST_NUMBERS = {"PORT": 1, "WEB_CONCURRENCY": 1, "DATABASE_STATEMENT_SECONDS": 0, "DATABASE_POOL_SIZE": 0}
LARGEST_NUMBER = 65535
# A worker and a training of ten rows have about 350 MB.
LEAST_WORKER_MB = 400
SHORTEST_KEY = 50
SHORTEST_TOKEN = 20
FEWEST_BYTES = 24
FEWEST_BITS = 128


@register()
def check_keys(**kwargs: Any) -> Iterable[CheckMessage]:
    """All keys, also former ones, are set, long and random enough; no signing key is SECRET_KEY."""
    if settings.ENV_FILE_PROBLEM:
        return  # The keys are probably in that file, and another check reports it.
    secret = read_secret_key()
    signing = {"MODEL_SIGNING_KEY": settings.MODEL_SIGNING_KEY}
    for number, key in enumerate(settings.MODEL_SIGNING_KEY_FALLBACKS, start=1):
        signing[f"MODEL_SIGNING_KEY_FALLBACKS, key {number}"] = key
    yield from _check_key("SECRET_KEY", secret, id="predictor.E001")
    if 0 < len(telemetry.TOKEN) < SHORTEST_TOKEN:
        problem = f"METRICS_TOKEN is weak: it has {write_count(len(telemetry.TOKEN), 'character')}."
        hint = f"Use at least {SHORTEST_TOKEN}: `openssl rand -hex 32` prints 64."
        yield Error(problem, hint=hint, id="predictor.E019")
    for key in filter(None, [settings.INPUT_HASH_KEY, *settings.INPUT_HASH_KEY_FALLBACKS]):
        yield from _check_key("INPUT_HASH_KEY or one of its fallbacks", key, id="predictor.E018")
    for name, key in signing.items():
        yield from _check_key(name, key, id="predictor.E002")
        if key and key == secret:
            yield Error(f"{name} is the same as SECRET_KEY.", hint="Set it to another key.", id="predictor.E003")


def _check_key(name: str, key: str, *, id: str) -> Iterable[CheckMessage]:
    """Check one key, which the message never contains."""
    hint = "Run bin/run once, which writes .env; or set it to what `openssl rand -hex 32` prints."
    if not key:
        yield Error(f"{name} is not set.", hint=hint, id=id)
    elif len(key) < SHORTEST_KEY or estimate_bits(key) < FEWEST_BITS:
        problem = f"{name} is weak: it has {write_count(len(key), 'character')}, {len(set(key))} of them different"
        again = f", and repeats the first {len(unit)}" if len(unit := find_repeated(key)) < len(key) else ""
        yield Error(f"{problem}{again}.", hint=f"Use at least {SHORTEST_KEY} random characters. {hint}", id=id)


def find_repeated(key: str) -> str:
    """The shortest prefix that a key repeats, at least twice in full; the whole key where there is none."""
    lengths = range(1, len(key) // 2 + 1)
    return next((key[:length] for length in lengths if key.startswith(key[length:])), key)


def estimate_bits(key: str) -> float:
    """An upper bound for a key's randomness: its length times the entropy of its characters, repeats counted once."""
    unit = find_repeated(key)
    return sum(count * math.log2(len(unit) / count) for count in Counter(unit).values())


def read_secret_key() -> str:
    """SECRET_KEY, or an empty text where Django would raise, so that a check can report it."""
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:
        return ""


@register()
def check_history_lasts(**kwargs: Any) -> Iterable[CheckMessage]:
    """A dyno's disk is lost at every restart, and the history with it."""
    if settings.IS_ON_DYNO and connection.vendor == "sqlite":
        hint = "Run `heroku addons:create heroku-postgresql:essential-0`, which sets DATABASE_URL."
        yield Error(
            "This is a dyno: the database would be a file on its disk, and lost at the next restart.",
            hint=hint,
            id="predictor.E004",
        )


@register()
def check_database_url(**kwargs: Any) -> Iterable[CheckMessage]:
    """DATABASE_URL can be used; its value may hold a password and is not repeated."""
    if settings.DATABASE_URL_PROBLEM:
        hint = "Write postgres://USER:PASSWORD@HOST:PORT/NAME or sqlite:///PATH."
        yield Error(settings.DATABASE_URL_PROBLEM, hint=hint, id="predictor.E006")


@register()
def check_default_model(**kwargs: Any) -> Iterable[CheckMessage]:
    """DEFAULT_MODEL can be a model's slug, or is empty, for none."""
    if settings.DEFAULT_MODEL and not SLUG.fullmatch(settings.DEFAULT_MODEL):
        problem = f"DEFAULT_MODEL is {settings.DEFAULT_MODEL!r}, which cannot be a model's slug."
        yield Error(problem, hint="Name a folder of ml_models/, such as line, or write none.", id="predictor.E005")


@register()
def check_origins(**kwargs: Any) -> Iterable[CheckMessage]:
    """EMBED_ORIGINS and API_ALLOWED_ORIGINS name origins only."""
    for name in ("EMBED_ORIGINS", "API_ALLOWED_ORIGINS"):
        for origin in getattr(settings, name):
            if not is_origin(origin):
                problem = f"{name} contains {origin!r}, which is not an origin."
                yield Error(problem, hint=f"Write {EXPECTED_ORIGIN}.", id="predictor.E016")


@register()
def check_languages(**kwargs: Any) -> Iterable[CheckMessage]:
    """There are translations into all languages that are set."""
    for code in settings.OFFERED_LANGUAGES:
        if code not in LANGUAGES:
            name = "LANGUAGE" if code == settings.LANGUAGE else "LANGUAGES"
            problem = f"{name} is or contains {code!r}, into which nothing is translated."
            yield Error(problem, hint=f"Choose from {', '.join(sorted(LANGUAGES))}.", id="predictor.E015")


@register()
def check_sizes(**kwargs: Any) -> Iterable[CheckMessage]:
    """The maximum sizes of a model and of an uploaded file are numbers."""
    for name in ("MODEL_MAX_MB", "UPLOAD_MAX_MB"):
        if getattr(settings, name) < 1:
            problem = f"{name} is not a whole number above 0."
            yield Error(problem, hint="Write megabytes, such as 50, or leave it out.", id="predictor.E007")


@register()
def check_worker_memory(**kwargs: Any) -> Iterable[CheckMessage]:
    """A worker's memory is a number, and enough for a training."""
    given = os.environ.get("WORKER_MEMORY_MB", "").strip() or "0"
    if not (given.isascii() and given.isdigit()) or 0 < int(given) < LEAST_WORKER_MB:
        problem = f"WORKER_MEMORY_MB is {given!r}, which is not a whole number from {LEAST_WORKER_MB} on."
        hint = "Write megabytes, such as 512, or 0 for no limit, or leave it out."
        yield Error(problem, hint=hint, id="predictor.E043")


@register()
def check_alerts(**kwargs: Any) -> Iterable[CheckMessage]:
    """Alerts have an address that can be reached, and a key."""
    if settings.ALERT_EMAILS and not settings.EMAIL_HOST:
        yield Error("ALERT_EMAILS is set, but EMAIL_HOST is not.", hint="Name a server for mail.", id="predictor.E021")
    if not 0 < settings.EMAIL_PORT <= LARGEST_NUMBER:
        yield Error("EMAIL_PORT is not a port.", hint="Write 587, 465 or 25.", id="predictor.E024")
    if not settings.ALERT_WEBHOOK:
        return
    if not settings.ALERT_WEBHOOK.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        problem = "ALERT_WEBHOOK is not an https:// address."
        yield Error(problem, hint="Only this machine may be asked over http://.", id="predictor.E022")
    if len(find_key(settings.ALERT_WEBHOOK_SECRET)) < FEWEST_BYTES:
        hint = "Write what `echo whsec_$(openssl rand -base64 32)` prints, and give it to the receiver."
        yield Error("ALERT_WEBHOOK_SECRET is not a key of Standard Webhooks.", hint=hint, id="predictor.E023")


@register()
def check_log_format(**kwargs: Any) -> Iterable[CheckMessage]:
    """LOG_FORMAT is known."""
    if settings.LOG_FORMAT not in ("line", "json"):
        yield Error(f"LOG_FORMAT is {settings.LOG_FORMAT!r}.", hint="Write line or json.", id="predictor.E020")


@register()
def check_retention(**kwargs: Any) -> Iterable[CheckMessage]:
    """RETENTION is a length of time, or empty, for ever."""
    if settings.RETENTION:
        try:
            read_duration(settings.RETENTION)
        except ValueError as error:
            yield Error(f"RETENTION: {error}.", hint="Write 365d, or leave it out.", id="predictor.E017")


@register()
def check_files(**kwargs: Any) -> Iterable[CheckMessage]:
    """How long files are kept, and how large all may be."""
    try:
        read_files_kept()
    except ValueError as error:
        yield Error(f"FILES_KEPT: {error}.", hint="Write 7 for a week, or leave it out.", id="predictor.E027")
    if settings.FILES_MAX_MB < 1:
        problem = "FILES_MAX_MB is not a whole number above 0."
        yield Error(problem, hint="Write megabytes, such as 250, or leave it out.", id="predictor.E028")


@register()
def check_time_zone(**kwargs: Any) -> Iterable[CheckMessage]:
    """SCHEDULE_TIME_ZONE is known here."""
    try:
        read_zone(settings.SCHEDULE_TIME_ZONE)
    except ValueError as error:
        hint = "Write a name of the IANA time zone database, or leave it out for UTC."
        yield Error(f"SCHEDULE_TIME_ZONE: {error}.", hint=hint, id="predictor.E045")


@register()
def check_rate_limits(**kwargs: Any) -> Iterable[CheckMessage]:
    """The limits of predictions are rates, or off."""
    for name in ("RATE_LIMIT_KEY", "RATE_LIMIT_ADDRESS"):
        try:
            read_rate(getattr(settings, name))
        except ValueError as error:
            yield Error(f"{name}: {error}.", hint="Leave it out for the default.", id="predictor.E025")


@register()
def check_env_file(**kwargs: Any) -> Iterable[CheckMessage]:
    """The file .env, where there is one, could be read."""
    if settings.ENV_FILE_PROBLEM:
        hint = "Save it as text in UTF-8, readable by the user who runs the site."
        yield Error(settings.ENV_FILE_PROBLEM, hint=hint, id="predictor.E010")


@register()
def check_numbers(**kwargs: Any) -> Iterable[CheckMessage]:
    """What gunicorn.conf.py reads as numbers are numbers."""
    for name, least in SMALLEST_NUMBERS.items():
        given = os.environ.get(name) or str(least)
        if not (given.isascii() and given.isdigit() and least <= int(given) <= LARGEST_NUMBER):
            problem = f"{name} is {given!r}, which is not a whole number from {least} to {LARGEST_NUMBER}."
            yield Error(problem, hint="Set it to such a number, or leave it out.", id="predictor.E011")
