"""Finds stored predictions: pages for people and clients, and all of them for exports.

What indexes know is found exactly. Otherwise rows are looked through, the newest first, and a page whose time is over
has what was found until then, and says how far that is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Prefetch

from predictor.history.cursor import NEWEST, Cursor
from predictor.history.filters import Filters
from predictor.history.ids import find_moment
from predictor.history.references import list_references
from predictor.history.scanning import Look, count_exact, scan
from predictor.models import Outcome, Prediction, Version

ROWS_OF_A_PAGE = 100
# Together with the rest of a page, 0.3 s.
SECONDS_OF_A_PAGE = 0.2
SECONDS_OF_A_COUNT = 0.08
MOST_COUNTED = 10_000
ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True)
class Page:
    """Predictions, the newest first, each with its `version` and `current_outcomes`.

    `next` begins the page of older ones, `previous` that of newer ones; None where there is none. A page that is not
    `complete` may have fewer rows than were asked for: its time was over at `looked_back_to`, where `next` continues.
    """

    rows: list[Prediction]
    next: Cursor | None
    previous: Cursor | None
    complete: bool = True
    looked_back_to: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many predictions there are; at least so many where it `is_least`."""

    number: int
    is_least: bool = False


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A stored prediction with all of its columns, its reference, and its current outcome where one is recorded."""

    id: UUID
    model: str
    version: int
    inputs: dict[str, Any]
    output: Any
    interval: Any
    probabilities: Any
    warnings: Any
    warning_codes: Any
    source: str
    created_at: datetime
    duration_ms: float
    reference: str | None = None
    outcome: Any = None
    outcome_at: datetime | None = None
    outcome_by: str | None = None


def find(
    filters: Filters, cursor: Cursor = NEWEST, *, limit: int = ROWS_OF_A_PAGE, seconds: float = SECONDS_OF_A_PAGE
) -> Page:
    """The page of at most `limit` predictions that begins at `cursor`, searched for no longer than `seconds`."""
    found = scan(filters, cursor, limit + 1, seconds)
    ids = found.ids[:limit]
    has_more = len(found.ids) > limit or found.looked_to is not None
    if cursor.after is not None:
        if not has_more and len(ids) < limit:
            return find(filters, limit=limit, seconds=seconds)  # The newest page, and full.
        newer = Cursor(after=ids[-1] if ids else found.looked_to) if has_more else None
        older = Cursor(before=ids[0] if ids else cursor.after)
        return _make_page(ids[::-1], older, newer, found.looked_to if not ids[limit - 1 :] else None)
    last = found.looked_to if len(ids) < limit and found.looked_to else ids[-1] if ids else None
    older_page = Cursor(before=last) if has_more and last else None
    newer_page = Cursor(after=ids[0]) if cursor.before is not None and ids else None
    return _make_page(ids, older_page, newer_page, found.looked_to)


def count(filters: Filters, *, most: int = MOST_COUNTED, seconds: float = SECONDS_OF_A_COUNT) -> Count | None:
    """Count predictions, up to `most`; None for filters that are not exact, whose rows are looked through."""
    if not filters.is_exact:
        return None
    number, is_all = count_exact(filters, most, seconds)
    return Count(number=number, is_least=not is_all)


def has_more_than(filters: Filters, most: int, *, seconds: float = SECONDS_OF_A_COUNT) -> bool:
    """Whether there may be more predictions; filters that are not exact may choose fewer than are counted."""
    _number, is_all = count_exact(filters, most, seconds)
    return not is_all


def find_ids(filters: Filters, *, most: int) -> list[UUID]:
    """The ids of the newest predictions, at most so many."""
    return scan(filters, NEWEST, most, None).ids


def rows(filters: Filters, *, chunk: int = ROWS_AT_ONCE) -> Iterator[list[Stored]]:
    """All predictions, the newest first, in lists of at most `chunk`: flat in memory, however many they are."""
    names = dict(Version.objects.values_list("id", "model"))
    numbers = dict(Version.objects.values_list("id", "number"))
    cursor, look = NEWEST, Look(filters=filters)
    while True:
        found = scan(filters, cursor, chunk, None, look)
        if found.ids:
            yield _read_stored(found.ids, names, numbers)
        if len(found.ids) < chunk:
            return
        cursor = Cursor(before=found.ids[-1])


CURRENT = Prefetch("outcomes", Outcome.objects.current(), to_attr="current_outcomes")


def _make_page(ids: Sequence[UUID], older: Cursor | None, newer: Cursor | None, looked_to: UUID | None) -> Page:
    versions = Prefetch("version", Version.objects.for_lists())
    by_id = Prediction.objects.prefetch_related(CURRENT, versions).in_bulk(list(ids))
    return Page(
        rows=[by_id[id] for id in ids if id in by_id],
        next=older,
        previous=newer,
        complete=looked_to is None,
        looked_back_to=None if looked_to is None else find_moment(looked_to),
    )


def _read_stored(ids: Sequence[UUID], names: dict[int, str], numbers: dict[int, int]) -> list[Stored]:
    others = ("model", "version", "reference")
    columns = [name for name in Stored.__struct_fields__ if name not in others and "outcome" not in name]
    found = {row["id"]: row for row in Prediction.objects.filter(id__in=ids).values("version_id", *columns)}
    outcomes = {
        row["prediction_id"]: row
        for row in Outcome.objects.current()
        .filter(prediction__in=ids)
        .values("prediction_id", "value", "recorded_at", "recorded_by")
    }
    references = list_references(ids)
    made = []
    for id in islice(ids, None):
        row = found.get(id)
        if row is None:
            continue
        version_id = row.pop("version_id")
        outcome = outcomes.get(id)
        made.append(
            Stored(
                **row,
                model=names[version_id],
                version=numbers[version_id],
                reference=references.get(id),
                outcome=outcome and outcome["value"],
                outcome_at=outcome and outcome["recorded_at"],
                outcome_by=outcome and outcome["recorded_by"],
            )
        )
    return made
