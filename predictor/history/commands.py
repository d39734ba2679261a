"""Commands of ours that a web process runs in another one: the libraries that they import are not for serving."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction

from predictor.exceptions import ExportsBusy

# Their locks. Each such process has a connection of its own, and PostgreSQL's smallest plans allow few.
EXPORTS, RESULTS = 0x6578706F7274, 0x726573756C74
# The status of a process that found another one of its kind (EX_TEMPFAIL).
BUSY = 75
SECONDS_BETWEEN_TRIES = 0.5


def write_command(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def read_problem(stderr: bytes) -> str:
    """Why a command failed, by its last line; empty where it said nothing."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("CommandError: ") if lines else ""


@contextmanager
def take_turn_of_pages(lock: int, *, seconds: float = 0) -> Iterator[None]:
    """Let one process of a kind run at a time for the pages of all web processes; on SQLite, any number.

    Who waits, for up to `seconds`, holds no connection. Raises ExportsBusy.
    """
    if connection.vendor != "postgresql":
        yield
        return
    until = time.monotonic() + seconds
    while True:
        # It ends with the transaction: a session's lock would stay with a connection of a pooler such as PgBouncer.
        with transaction.atomic():
            if _try_lock(lock):
                yield
                return
        if time.monotonic() >= until:
            raise ExportsBusy("another file is being written for a page: try again when it is done")
        # Also out of the pool, which it has by its web process's environment.
        connection.connection.close()
        connection.close()
        time.sleep(SECONDS_BETWEEN_TRIES)


def _try_lock(lock: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock])
        return bool(cursor.fetchone()[0])
