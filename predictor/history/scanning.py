"""Looks through candidates in windows that grow, until enough are found or the time is over."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.utils import timezone

from predictor.history.candidates import list_candidates
from predictor.history.choices import name_choices
from predictor.history.conditions import write_conditions
from predictor.history.cursor import Cursor
from predictor.history.filters import Filters
from predictor.history.ids import find_first_id
from predictor.history.limits import find_features, read_limits
from predictor.history.matching import NOTHING, Candidate, matches
from predictor.models import Outcome, Prediction, Version
from predictor.schema.schema import read_target
from predictor.schema.target import Target

# Rows in the first window where not each of them is what is searched for, and in the largest one.
FIRST_WINDOW, LARGEST_WINDOW = 1_000, 64_000
# To count asks for no more than the ids.
FIRST_COUNTED = 2_000
# A window that took less is followed by one of twice its size.
SECONDS_OF_A_WINDOW = 0.03
# Of SQLite: rows that are read between two looks at the clock, and instructions, which take a millisecond or less.
ROWS_AT_ONCE, INSTRUCTIONS = 250, 10_000
# However little time is left, so that each page gets on.
FEWEST_SECONDS = 0.1
# Ids may be of a clock that is a little ahead.
MARGIN = timedelta(days=1)


@dataclass(kw_only=True)
class Found:
    """Ids in the order in which they were found, and where the time was over; None where all was looked at."""

    ids: list[UUID] = field(default_factory=list)
    looked_to: UUID | None = None


def scan(filters: Filters, cursor: Cursor, need: int, seconds: float | None, look: "Look | None" = None) -> Found:
    """Find the first `need` predictions from `cursor` on, older or newer ones; in all the time it takes for None.

    A `look` for the same filters may be used for several pages.
    """
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    look, found = look or Look(filters=filters), Found()
    candidates, newer, place = look.candidates, cursor.after is not None, cursor.after or cursor.before
    is_plain = filters.is_exact and not candidates.conditions
    size = need if is_plain else max(need, FIRST_WINDOW)
    while True:
        began = time.monotonic()
        try:
            with stop_sqlite(max(deadline, began + FEWEST_SECONDS)):
                end = candidates.find_end(place, size, newer=newer)
                ids, stopped_at = look.find(candidates.list_window(place, end, size, newer=newer), deadline)
        except TimeIsOver:
            return Found(ids=found.ids, looked_to=place or find_first_id(timezone.now() + MARGIN))
        found.ids += ids
        place = stopped_at or end
        if len(found.ids) >= need or place is None:
            return Found(ids=found.ids[:need])
        now = time.monotonic()
        if now >= deadline:
            return Found(ids=found.ids, looked_to=place)
        size = find_size(size, now - began)


def count_exact(filters: Filters, most: int, seconds: float) -> tuple[int, bool]:
    """Count what exact filters find, up to `most`; return the number, and whether that is all."""
    candidates, started, place, number = list_candidates(filters), time.monotonic(), None, 0
    if not candidates.conditions:
        number = candidates.list_all()[: most + 1].count()
        return min(number, most), number <= most
    size = FIRST_COUNTED
    while True:
        began = time.monotonic()
        end = candidates.find_end(place, size, newer=False)
        number += candidates.list_window(place, end, size, newer=False).order_by().count()
        if number > most or end is None:
            return min(number, most), number <= most
        now = time.monotonic()
        if now - started >= seconds:
            return number, False
        place, size = end, find_size(size, now - began)


def find_size(size: int, seconds: float) -> int:
    """The size of the next window, after one that took so long."""
    return min(2 * size, LARGEST_WINDOW) if seconds < SECONDS_OF_A_WINDOW else max(size // 2, FIRST_WINDOW)


@dataclass(kw_only=True)
class Look:
    """Finds among candidates what is searched for."""

    filters: Filters

    def __post_init__(self) -> None:
        features = find_features(self.filters)
        self.filters = name_choices(read_limits(self.filters, features), features)
        self.candidates = list_candidates(self.filters)
        self.targets = {} if self.filters.is_exact else read_targets(self.filters)
        self.is_by_row = not self.filters.is_exact and connection.vendor == "sqlite"
        is_by_database = not self.filters.is_exact and not self.is_by_row
        self.conditions = write_conditions(self.filters, self.targets) if is_by_database else []

    def find(self, window: QuerySet[Prediction], deadline: float) -> tuple[list[UUID], UUID | None]:
        """The ids that are found, in order; and the last that was looked at, where the time was over before the end."""
        rows = window.filter(*self.conditions)
        if self.is_by_row:
            return self._find_by_row(rows, deadline)
        return list(rows.values_list("id", flat=True)), None

    def _find_by_row(self, rows: QuerySet[Any], deadline: float) -> tuple[list[UUID], UUID | None]:
        columns = self._list_columns()
        left = rows.values_list("id", *columns).iterator(chunk_size=ROWS_AT_ONCE)
        found: list[UUID] = []
        while taken := list(islice(left, ROWS_AT_ONCE)):
            outcomes = self._read_outcomes([id for id, *_ in taken])
            for id, *stored in taken:
                row = Candidate(**dict(zip(columns, stored, strict=True)), outcome=outcomes.get(id, NOTHING))
                if matches(self.filters, self.targets, row):
                    found.append(id)
            if time.monotonic() >= deadline:
                return found, taken[-1][0]
        return found, None

    def _list_columns(self) -> list[str]:
        """What is looked at: to decode the inputs takes longest."""
        asks_inputs = bool(self.filters.inputs or self.filters.value)
        asked = {"inputs": asks_inputs, "interval": self.filters.inside is not None}
        return ["version_id", "output", *(name for name, is_asked in asked.items() if is_asked)]

    def _read_outcomes(self, ids: list[UUID]) -> dict[UUID, Any]:
        if not self.filters.judges:
            return {}
        return dict(Outcome.objects.current().filter(prediction__in=ids).values_list("prediction_id", "value"))


class TimeIsOver(Exception):  # Caught in this module.
    """SQLite was stopped within a query."""


@contextmanager
def stop_sqlite(deadline: float) -> Iterator[None]:
    """Let SQLite give up at this moment, and raise TimeIsOver. PostgreSQL has a timeout for each statement."""
    if deadline == math.inf or connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    raw: Any = connection.connection
    raw.set_progress_handler(lambda: time.monotonic() > deadline, INSTRUCTIONS)
    try:
        yield
    except OperationalError as error:
        if time.monotonic() <= deadline:
            raise
        raise TimeIsOver from error
    finally:
        raw.set_progress_handler(None, 0)


def read_targets(filters: Filters) -> Mapping[int, Target]:
    """The targets of the versions that are searched, by the versions' ids."""
    versions = Version.objects.filter(model=filters.model) if filters.model else Version.objects.all()
    # Not the features, which may be many.
    parts = ("target", "labels", "output", "reading")
    rows = versions.order_by().values_list("id", *(f"schema__{part}" for part in parts))
    stored = {id: dict(zip(parts, values, strict=True)) for id, *values in rows}
    return {id: read_target({k: v for k, v in each.items() if v is not None}) for id, each in stored.items()}
