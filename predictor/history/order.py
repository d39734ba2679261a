"""The ids of versions' predictions in the order of time, without reading those of other models."""

from collections.abc import Iterable, Iterator
from heapq import merge
from uuid import UUID

from predictor.models import Prediction

IDS_AT_ONCE = 1_000


def list_ids(
    versions: Iterable[int], *, first: UUID | None = None, end: UUID | None = None, newest_first: bool = False
) -> Iterator[UUID]:
    """The ids from `first` on to before `end`, merged from what the index has in order: each source of each version."""
    ranges = ((version, source) for version in versions for source in Prediction.Source.values)
    return merge(*(_list_range(*each, first, end, newest_first) for each in ranges), reverse=newest_first)


def _list_range(version: int, source: str, first: UUID | None, end: UUID | None, newest_first: bool) -> Iterator[UUID]:
    rows = Prediction.objects.filter(version=version, source=source).order_by("-id" if newest_first else "id")
    rows = rows if first is None else rows.filter(id__gte=first)
    rows = rows if end is None else rows.filter(id__lt=end)
    taken = list(rows.values_list("id", flat=True)[:IDS_AT_ONCE])
    while taken:
        yield from taken
        left = rows.filter(id__lt=taken[-1]) if newest_first else rows.filter(id__gt=taken[-1])
        taken = list(left.values_list("id", flat=True)[:IDS_AT_ONCE])
