"""The settings of the database, from DATABASE_URL."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url

SQLITE, POSTGRES = "mlsite.sqlite3", "django.db.backends.postgresql"
SCHEMES = ("postgres", "postgresql", "pgsql", "sqlite")
SQLITE_OPTIONS = {
    # FULL: with NORMAL a power failure could lose rows whose answers were already sent.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
}


def find_url_problem(url: str) -> str:
    """What is wrong with a DATABASE_URL, as a sentence that does not repeat the URL; empty where nothing is."""
    if "#" in url:
        return "DATABASE_URL contains a #, which would end it: write it as %23."
    try:
        parts = urlsplit(url)
        parsed = dj_database_url.parse(url) if parts.scheme in SCHEMES else {}
    except ValueError:
        return "DATABASE_URL is not the URL of a database."
    if not parsed and "://" in url:
        return f"DATABASE_URL begins with {parts.scheme}://, but the database must be PostgreSQL or SQLite."
    if not parsed:
        return "DATABASE_URL is not the URL of a database."
    if parts.scheme == "sqlite" and "?" in url:
        return "DATABASE_URL contains a ?, which would end its path: write it as %3F."
    if parsed["NAME"] in ("", ":memory:") and "service" not in parsed.get("OPTIONS", {}):
        what = "a file" if parts.scheme == "sqlite" else "a database"
        return f"DATABASE_URL does not name {what} at its end."
    return ""


def read_database(url: str, default: Path) -> dict[str, Any]:
    """Django's settings for the database of a valid URL, or for the SQLite file `default` where `url` is empty."""
    database: dict[str, Any] = {"ENGINE": SQLITE, "NAME": str(default)}
    if url:
        database = dict(dj_database_url.parse(url))
    if urlsplit(url).scheme in ("", "sqlite"):
        # Not by a URL for the default: a path may contain #, ? and %.
        database |= {"ENGINE": SQLITE, "OPTIONS": dict(SQLITE_OPTIONS)}
    return {**database, "CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
