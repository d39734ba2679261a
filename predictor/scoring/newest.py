"""Reads the newest stored predictions of a model, bounded in memory."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID

from predictor.models import Prediction, Version

IDS_AT_ONCE, ROWS_AT_ONCE = 1_000, 500
COLUMNS = ("id", "version_id", "inputs", "output", "interval", "warnings", "created_at")

Stored = dict[str, Any]


def read_newest(versions: Iterable[Version], most: int) -> Iterator[list[Stored]]:
    """Up to `most` predictions of these versions, newest first, 500 at a time.

    Each version's ids come from the index on version and id, a thousand at a time, and are merged: no other model's
    predictions are read, however many there are. What is forgotten is left out.
    """
    ids = islice(merge(*(list_ids(version.id) for version in versions), reverse=True), most)
    while taken := list(islice(ids, ROWS_AT_ONCE)):
        rows = Prediction.objects.without_forgotten().filter(id__in=taken).order_by("-id")
        if found := list(rows.values(*COLUMNS)):
            yield found


def list_ids(version_id: int) -> Iterator[UUID]:
    """The ids of a version's predictions, newest first."""
    rows = Prediction.objects.filter(version=version_id).order_by("-id").values_list("id", flat=True)
    taken = list(rows[:IDS_AT_ONCE])
    while taken:
        yield from taken
        taken = list(rows.filter(id__lt=taken[-1])[:IDS_AT_ONCE])
