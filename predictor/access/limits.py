"""Limits how often something may be done in a window of time, across all processes of all dynos.

A count is a row that one statement inserts or increments: concurrent hits are all counted, and no attempt is allowed
before it is counted. No library does this: django-axes reads its count, lets Django hash, and counts the failure
afterwards, so that parallel attempts all pass, and it limits sign-ins only; `limits` has no storage in SQL; `incr` of
Django's DatabaseCache reads and then writes. A window is fixed: it begins with its first hit.

A hit costs one short transaction. The key itself is not stored, only a keyed hash of it.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection
from django.db.models import F
from django.utils.crypto import salted_hmac

from predictor.models import RateWindow

# Each new window removes up to this many expired ones, so that the table holds few others than open windows.
MOST_REMOVED = 10

COUNT = """
INSERT INTO {table} (id, count, ends_at) VALUES (%s, 1, %s)
ON CONFLICT (id) DO UPDATE SET
    count = CASE WHEN {table}.ends_at <= %s THEN 1 ELSE {table}.count + 1 END,
    ends_at = CASE WHEN {table}.ends_at <= %s THEN excluded.ends_at ELSE {table}.ends_at END
RETURNING count, ends_at
"""

ADD = """
INSERT INTO {table} (id, count, ends_at) VALUES {rows}
ON CONFLICT (id) DO UPDATE SET count = {table}.count + excluded.count
RETURNING id, count
"""
ADD_WITHIN = """
INSERT INTO {table} (id, count, ends_at) VALUES (%s, %s, %s)
ON CONFLICT (id) DO UPDATE SET count = {table}.count + excluded.count
    WHERE {table}.count + excluded.count <= %s
RETURNING count
"""
# SQLite allows 32,766 parameters.
MOST_ROWS = 5_000


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How many hits are allowed within how many seconds."""

    most: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One hit as it was counted: the first has number 1; the window is over in `seconds_left`."""

    number: int
    most: int
    seconds_left: float

    @property
    def is_allowed(self) -> bool:
        return self.number <= self.most

    @property
    def is_first_refused(self) -> bool:
        """True for exactly one hit of a window, in whichever process: the one that is logged."""
        return self.number == self.most + 1

    @property
    def retry_after(self) -> int:
        """Whole seconds to wait, at least 1; 0 when the hit is allowed."""
        return 0 if self.is_allowed else max(1, math.ceil(self.seconds_left))


def hit(name: str, key: str, rate: Rate) -> Hit:
    """Count one hit of `key` under the limit `name`; the result says whether it is allowed."""
    now = time.time()
    sql = COUNT.format(table=RateWindow._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(sql, [make_id(name, key), now + rate.seconds, now, now])
        number, ends_at = cursor.fetchone()
    if number == 1:
        RateWindow.objects.remove_finished(now, MOST_REMOVED)
    return Hit(number=number, most=rate.most, seconds_left=ends_at - now)


def add(hits: Mapping[int, int], ends_at: float) -> dict[int, int]:
    """Add many hits to windows that all end at the same time; the new count of each, by its id (make_id)."""
    # In one order, so that two processes never wait for each other.
    ordered, counts = sorted(hits), {}
    for start in range(0, len(ordered), MOST_ROWS):
        ids = ordered[start : start + MOST_ROWS]
        sql = ADD.format(table=RateWindow._meta.db_table, rows=", ".join(["(%s, %s, %s)"] * len(ids)))
        with connection.cursor() as cursor:
            cursor.execute(sql, [value for id in ids for value in (id, hits[id], ends_at)])
            counts.update(cursor.fetchall())
        RateWindow.objects.remove_finished(time.time(), len(ids) + MOST_REMOVED)
    return counts


def add_within(id: int, counted: int, more: int, most: int, ends_at: float) -> tuple[bool, int]:
    """Add what was counted already, and more if the new count is at most `most`; whether it is, and the new count.

    The two together are at most `most`.
    """
    with connection.cursor() as cursor:
        sql = ADD_WITHIN.format(table=RateWindow._meta.db_table)
        cursor.execute(sql, [id, counted + more, ends_at, most])
        row = cursor.fetchone()
    if row is None:
        return False, add({id: counted}, ends_at)[id]
    if row[0] == counted + more:
        RateWindow.objects.remove_finished(time.time(), MOST_REMOVED)
    return True, row[0]


def is_counted(name: str, key: str) -> bool:
    """Whether a window of this key is open."""
    return RateWindow.objects.filter(id=make_id(name, key), ends_at__gt=time.time()).exists()


def take_back(name: str, key: str) -> None:
    """Subtract one hit, which should not count."""
    RateWindow.objects.filter(id=make_id(name, key), count__gt=0).update(count=F("count") - 1)


def forget(name: str, key: str) -> None:
    """Remove all hits of this key."""
    RateWindow.objects.filter(id=make_id(name, key)).delete()


def make_id(name: str, key: str) -> int:
    digest = salted_hmac("mlsite.limits", f"{name}\0{key}", algorithm="sha256").digest()
    return int.from_bytes(digest[:8], signed=True)
