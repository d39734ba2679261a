"""Django's PostgreSQL backend with a bounded pool, for a process with hundreds of concurrent requests.

CONN_MAX_AGE must be 0: closing a connection gives it back to the pool. Django's own pool needs psycopg 3.
"""

import select
from typing import Any

import psycopg2
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from mlsite.pooled.pool import Pool

# How long a request waits for a connection: then its visitor gets a 503, well before the router gives up.
SECONDS_TO_WAIT = 8.0

pool = Pool(settings.DATABASE_POOL_SIZE)


# Overrides what is not documented. Checked with Django 5.2.19 (tests/test_insides.py).
class DatabaseWrapper(base.DatabaseWrapper):
    """Takes its connection from the pool, unless it `is_reserved`: then it opens its own and keeps it."""

    is_reserved = False
    _has_place = False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if self.is_reserved:
            return super().get_new_connection(conn_params)
        try:
            idle = pool.take(SECONDS_TO_WAIT)
        except TimeoutError:
            raise psycopg2.OperationalError("every connection of this process is in use") from None
        self._has_place = True
        try:
            if idle is not None and is_alive(idle):
                return idle
            return super().get_new_connection(conn_params)
        except BaseException:
            self._leave(None)
            raise

    def _close(self) -> None:
        connection = self.connection
        if not self._has_place or connection is None:
            super()._close()  # type: ignore[misc]  # django-stubs leave it out.
        elif self.errors_occurred or connection.closed or not is_idle(connection):
            try:
                super()._close()  # type: ignore[misc]  # The same.
            finally:
                self._leave(None)
        else:
            self._leave(connection)

    def _leave(self, connection: Any) -> None:
        self._has_place = False
        pool.give_back(connection)


def is_idle(connection: Any) -> bool:
    """Whether no transaction is open."""
    return bool(connection.info.transaction_status == TRANSACTION_STATUS_IDLE)


def is_alive(connection: Any) -> bool:
    """Whether an idle connection still works: it is readable, and then closed here, only after the server ended it."""
    readable, _, _ = select.select([connection], [], [], 0)
    if readable:
        connection.close()
    return not readable
