"""A database that the site cannot use, found by `manage.py check --database default` and before `migrate`."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import django.db
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from predictor.history.altering import has_leftover_check
from predictor.texts import take_first_line

# What other users of the machine may do with a file.
OTHERS = 0o007


@register(Tags.database)
def check_database(databases: Sequence[str] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """The database can be reached, stores every text, and lets the site make the tables that it lacks."""
    if not databases or "default" not in databases or settings.DATABASE_URL_PROBLEM:
        return []
    try:
        return list(_check_postgres() if connection.vendor == "postgresql" else _check_sqlite())
    except django.db.Error as error:
        hint = "Check DATABASE_URL, and that the database is running."
        return [Error(f"The database cannot be used: {take_first_line(error)}.", hint=hint, id="predictor.E012")]


def _check_postgres() -> Iterable[CheckMessage]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_encoding'), current_database(), current_user, current_schema(),"
            " has_schema_privilege(current_schema(), 'CREATE')"
        )
        encoding, database, user, schema, may_create = cursor.fetchone()
    if encoding != "UTF8":
        problem = f"The database {database!r} has the encoding {encoding}, which cannot store every text."
        hint = "Create one with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0; and copy the data into it."
        yield Error(problem, hint=hint, id="predictor.E013")
    if not may_create and has_unapplied_migrations():
        where = f"in the schema {schema!r}" if schema else "in a schema of the search_path"
        problem = f"The user {user!r} may not create tables {where}."
        hint = f'Run as its owner: GRANT CREATE ON SCHEMA {schema or "public"} TO "{user}"; or migrate as another user.'
        yield Error(problem, hint=hint, id="predictor.E014")
    if has_leftover_check():
        problem = (
            "A run of `manage.py partition` was stopped, and left a constraint that refuses predictions after a week."
        )
        yield Warning(problem, hint="Run: manage.py partition", id="predictor.W006")


def has_unapplied_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _check_sqlite() -> Iterable[CheckMessage]:
    """SQLite opens no file before it is asked for something."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    file = Path(connection.settings_dict["NAME"])
    if file.exists() and file.stat().st_mode & OTHERS:
        problem = f"{file} is open to every user of this machine: it contains what visitors typed."
        yield Warning(problem, hint=f"Run: chmod 600 {file}*", id="predictor.W004")
