"""The answers that are kept for a day for requests with an Idempotency-Key, which contain predictions."""

import re
import time
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from predictor.models import IdempotencyKey

KEPT = timedelta(days=1)
ROWS_IN_A_TRANSACTION = 500
# Ids stand in quotes; a text that looks like one means an answer too many is deleted.
ID = re.compile(r'"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')


def delete_answers_with(ids: Collection[UUID]) -> None:
    """Delete the answers that contain one of these predictions: a request that is sent again is answered anew."""
    wanted = {str(id) for id in ids}
    rows = IdempotencyKey.objects.values_list("id", "answer").iterator(ROWS_IN_A_TRANSACTION)
    found = [id for id, answer in rows if not wanted.isdisjoint(ID.findall(answer))]
    for start in range(0, len(found), ROWS_IN_A_TRANSACTION):
        IdempotencyKey.objects.filter(id__in=found[start : start + ROWS_IN_A_TRANSACTION]).delete()


def delete_answers_before(until: datetime) -> None:
    """Delete the answers that were given before a moment, and all that are over."""
    ends_at = max((until + KEPT).timestamp(), time.time())
    rows = IdempotencyKey.objects.filter(ends_at__lt=ends_at).order_by("ends_at")
    while found := list(rows.values_list("id", flat=True)[:ROWS_IN_A_TRANSACTION]):
        IdempotencyKey.objects.filter(id__in=found).delete()
