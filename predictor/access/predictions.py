"""Limits how many rows are predicted for an API key, and for an address that uses none (RATE_LIMIT_KEY, …_ADDRESS)."""

import logging
import threading
import time
from functools import cache

import django.db
from django.conf import settings
from django.core.signals import setting_changed
from django.db import connection
from django.http import HttpRequest

from predictor.access.addresses import find_address
from predictor.access.callers import ANYBODY, Caller
from predictor.access.processes import Census
from predictor.access.rates import read_rate
from predictor.access.shares import SharedLimit

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 1.0

census = Census()


@cache
def get_address_limit() -> SharedLimit | None:
    """None where it is off."""
    rate = read_rate(settings.RATE_LIMIT_ADDRESS)
    return None if rate is None else SharedLimit("predictions by address", rate, census)


@cache
def get_key_limit() -> SharedLimit | None:
    """None where it is off."""
    rate = read_rate(settings.RATE_LIMIT_KEY)
    return None if rate is None else SharedLimit("predictions by API key", rate, census)


def _forget(setting: str, **changed: object) -> None:
    if setting in ("RATE_LIMIT_KEY", "RATE_LIMIT_ADDRESS"):
        get_address_limit.cache_clear()
        get_key_limit.cache_clear()


setting_changed.connect(_forget)


def count_request(request: HttpRequest, caller: Caller = ANYBODY) -> None:
    """Count a request for one row, by its API key or else by its address; raises RateExceeded."""
    limit = get_address_limit() if caller.key is None else get_key_limit()
    if limit is not None:
        limit.count(find_counted(request, caller), 1)


def count_further_rows(request: HttpRequest, rows: int, caller: Caller = ANYBODY) -> None:
    """Count the rows of such a request once they are known, all but the first; raises RateExceeded."""
    if rows == 1:
        return
    limit = get_address_limit() if caller.key is None else get_key_limit()
    if limit is not None:
        limit.check_size(rows)
        limit.count(find_counted(request, caller), rows - 1)


def find_counted(request: HttpRequest, caller: Caller) -> str:
    """What is counted: the id of the caller's key, or an address."""
    return find_address(request) if caller.key is None else str(caller.key.id)


def watch() -> None:
    """Reconcile the counts of this process with the others' from now on, in a thread; nothing where no limit is set."""
    used = [limit for limit in (get_address_limit(), get_key_limit()) if limit is not None]
    if used:
        threading.Thread(target=_watch, args=[used], name="limits", daemon=True).start()


def _watch(used: list[SharedLimit]) -> None:
    was_away = False
    while True:
        try:
            census.take()
            for limit in used:
                limit.reconcile()
            was_away = False
        except django.db.Error as error:
            if not was_away:
                logger.warning("the counts of predictions cannot be written, which is tried every second: %s", error)
            was_away = True
        except Exception:  # Without this thread, this process would ask the database more and more often.
            logger.exception("counting predictions broke")
        connection.close()
        time.sleep(SECONDS_BETWEEN_REPORTS)
