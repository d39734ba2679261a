"""Reads the predictions of one model in a range of time, over the ids, which begin with the time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from predictor.history.archiving import Row, decode
from predictor.history.ids import find_first_id
from predictor.history.order import list_ids
from predictor.models import Outcome, Prediction, Version
from predictor.monitoring.columns import Columns, Recorded
from predictor.monitoring.window import Window
from predictor.schema.values import Label, write_value

IDS_AT_ONCE, ROWS_AT_ONCE = 5_000, 500
# Of all columns together, of which estimation takes a copy: of 20 numbers, those of 360,000 predictions.
MOST_BYTES = 96 * 1024**2
COLUMNS = ("id", "version_id", "inputs", "output", "probabilities", "interval", "source", "created_at")
# A model's archived predictions of the months that a range of time touches; or only those with an outcome.
Archives = Callable[[str, datetime, datetime, bool], Iterable[Row]]


def list_no_archives(model: str, since: datetime, until: datetime, is_judged: bool) -> Iterable[Row]:
    return ()


def read_window(
    live: Version,
    since: datetime,
    until: datetime,
    *,
    is_judged: bool = False,
    most_bytes: int = MOST_BYTES,
    archives: Archives = list_no_archives,
) -> Window:
    """The predictions of a model from `since` on to before `until`, stored ones and, before them, archived ones.

    `live` is the live version, by whose schema all is encoded; the predictions of versions that predict something else
    are left out, and where `is_judged` those without an outcome, too. Where the columns would take more than
    `most_bytes`, a random half, quarter … of the rows is kept.
    """
    versions = list_versions(live)
    ids, first, end = [each.id for each in versions], find_first_id(since), find_first_id(until)
    columns = Columns(live.parsed_schema, _list_classes([live, *versions]), most_bytes)
    _add_archived(columns, versions, archives(live.model, since, until, is_judged), since, until)
    _add_stored(columns, versions, _list_judged(ids, first, end) if is_judged else list_ids(ids, first=first, end=end))
    return columns.join(since, until)


def list_versions(live: Version) -> list[Version]:
    """The versions of a model that ever were live, no other has predictions, and predict what the live one does."""
    versions = Version.objects.filter(model=live.model, promotions__isnull=False).distinct().order_by("number")
    return [each for each in versions.only("model", "number", "schema") if each.target.is_same(live.target)]


def _add_stored(columns: Columns, versions: Sequence[Version], ids: Iterator[UUID]) -> None:
    numbers = {each.id: each.number for each in versions}
    while taken := list(islice(ids, ROWS_AT_ONCE)):
        drawn = columns.draw(taken)
        rows = Prediction.objects.without_forgotten().filter(id__in=drawn).order_by("id")
        columns.add(list(rows.values(*COLUMNS)), numbers, _read_outcomes(drawn))


def _add_archived(
    columns: Columns, versions: Sequence[Version], archived: Iterable[Row], since: datetime, until: datetime
) -> None:
    """Add archived predictions of the versions that are not stored any more."""
    ids = {each.number: each.id for each in versions}
    numbers = {each.id: each.number for each in versions}
    found = (row for row in archived if row["version"] in ids and since <= row["created_at"] < until)
    while taken := [decode(row) for row in islice(found, ROWS_AT_ONCE)]:
        known = set(Prediction.objects.filter(id__in=[each["id"] for each in taken]).values_list("id", flat=True))
        # Forgotten ones have no output.
        missing = [each for each in taken if each["id"] not in known and each["output"] is not None]
        drawn = set(columns.draw([each["id"] for each in missing]))
        rows = [{**each, "version_id": ids[each["version"]]} for each in missing if each["id"] in drawn]
        columns.add(rows, numbers, {each["id"]: _find_current(each["outcomes"]) for each in rows if each["outcomes"]})


def _find_current(outcomes: Sequence[Row]) -> Recorded:
    return outcomes[-1]["value"], outcomes[-1]["queue"]


def _list_judged(versions: Sequence[int], first: UUID, end: UUID) -> Iterator[UUID]:
    """The ids of the versions' predictions with an outcome in the order of time, by the index of outcomes."""
    outcomes = Outcome.objects.filter(prediction__version__in=versions, prediction__lt=end)
    rows = outcomes.order_by("prediction_id").values_list("prediction_id", flat=True)
    taken = list(rows.filter(prediction__gte=first)[:IDS_AT_ONCE])
    while taken:
        yield from dict.fromkeys(taken)  # A corrected outcome is several rows.
        taken = list(rows.filter(prediction__gt=taken[-1])[:IDS_AT_ONCE])


def _read_outcomes(ids: Sequence[UUID]) -> dict[UUID, Recorded]:
    """The current outcomes of predictions."""
    current = Outcome.objects.current().filter(prediction__in=ids)
    return {id: (value, queue) for id, value, queue in current.values_list("prediction", "value", "queue")}


def _list_classes(versions: Iterable[Version]) -> list[Label]:
    """The classes of all versions, those of the first one first."""
    return list({write_value(label): label for each in versions for label in each.target.classes}.values())
