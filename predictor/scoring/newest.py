"""Reads the newest stored predictions of a model, bounded in memory."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from predictor.history.order import list_ids
from predictor.models import Prediction, Version

ROWS_AT_ONCE = 500
COLUMNS = ("id", "version_id", "inputs", "output", "interval", "warnings", "created_at")

Stored = dict[str, Any]


def read_newest(versions: Iterable[Version], most: int) -> Iterator[list[Stored]]:
    """Up to `most` predictions of these versions, newest first, 500 at a time.

    No other model's predictions are read, however many there are. What is forgotten is left out.
    """
    ids = islice(list_ids([version.id for version in versions], newest_first=True), most)
    while taken := list(islice(ids, ROWS_AT_ONCE)):
        rows = Prediction.objects.without_forgotten().filter(id__in=taken).order_by("-id")
        if found := list(rows.values(*COLUMNS)):
            yield found
