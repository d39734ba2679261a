"""Commands of ours that a web process runs in another one: the libraries that they import are not for serving."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction

from predictor.exceptions import ExportsBusy
from predictor.languages import gettext as _
from predictor.turns import leave_connection

# The lock of those that write a file: each has a connection of its own, and PostgreSQL's smallest plans allow few.
TURN = 0x66696C65
# The status of a process that found another one (EX_TEMPFAIL).
BUSY = 75
# The router waits 30 s for the first byte of a result.
SECONDS_TO_WAIT = 10.0
SECONDS_BETWEEN_TRIES = 0.5


def write_command(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def read_problem(stderr: bytes) -> str:
    """Why a command failed, by its last line; empty where it said nothing."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("CommandError: ") if lines else ""


def wait_for_turn_of_pages(*, seconds: float = 0) -> None:
    """Wait in a web process, which has a connection already, until no process writes a file for a page.

    Raises ExportsBusy where one still does after `seconds`.
    """
    until = time.monotonic() + seconds
    while True:
        is_taken = _is_turn_taken()
        leave_connection()
        if not is_taken:
            return
        if time.monotonic() >= until:
            raise make_busy()
        time.sleep(SECONDS_BETWEEN_TRIES)


def make_busy() -> ExportsBusy:
    return ExportsBusy(_("Another file is being written: try again when it is done."))


@contextmanager
def take_turn_of_pages(*, seconds: float = 0) -> Iterator[None]:
    """Let one process write a file at a time for the pages of all web processes; on SQLite, any number.

    Another one may have begun since the web process looked. Who waits for it, for up to `seconds`, holds no connection.
    Raises ExportsBusy.
    """
    if connection.vendor != "postgresql":
        yield
        return
    until = time.monotonic() + seconds
    while True:
        # It ends with the transaction: a session's lock would stay with a connection of a pooler such as PgBouncer.
        with transaction.atomic():
            if _try_lock():
                yield
                return
        if time.monotonic() >= until:
            raise make_busy()
        # Also out of the pool, which it has by its web process's environment.
        connection.connection.close()
        connection.close()
        time.sleep(SECONDS_BETWEEN_TRIES)


def _try_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [TURN])
        return bool(cursor.fetchone()[0])


def _is_turn_taken() -> bool:
    if connection.vendor != "postgresql":
        return False
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    lock = "locktype = 'advisory' AND classid = 0 AND objid = %s"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM pg_locks WHERE {lock} AND {here})", [TURN])  # noqa: S608  # Our own.
        return bool(cursor.fetchone()[0])
