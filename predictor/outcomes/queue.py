"""The next prediction that a reviewer is asked the outcome of."""

from collections.abc import Callable, Collection, Iterator
from secrets import SystemRandom
from typing import Any
from uuid import UUID

from django.db import connection

from predictor.history.filters import Filters
from predictor.history.search import find_ids
from predictor.models import Outcome, Prediction, Version

# A model with no more predictions is drawn from as a whole.
MOST_DRAWN_FROM = 10_000
# How much of the table is sampled for others: pages of PostgreSQL's, or rows of SQLite's. The next is for rare models.
SAMPLES = {"postgresql": (300, 3_000), "sqlite": (3_000, 30_000)}
# A sample of fewer rows would give those that were stored close together less weight.
FEWEST_SAMPLED = 20
MOST_SAMPLED = 500
# The others rank the newest.
MOST_RANKED = 1_000
IDS_IN_A_QUERY = 200

FROM_PAGES = """
SELECT prediction.id FROM predictor_prediction AS prediction TABLESAMPLE SYSTEM (%s)
WHERE version_id IN (SELECT id FROM predictor_version WHERE model = %s) ORDER BY random() LIMIT %s
"""
# The tables of which it consists, where it is partitioned.
COUNT_PAGES = """
SELECT COALESCE(SUM(pg_relation_size(relid)), pg_relation_size('predictor_prediction')) / 8192.0
FROM pg_partition_tree('predictor_prediction')
"""
FROM_ROWS = """
SELECT id FROM predictor_prediction WHERE rowid IN (SELECT value FROM json_each(%s))
AND version_id IN (SELECT id FROM predictor_version WHERE model = %s) LIMIT %s
"""


def find_next(queue: Outcome.Queue, model: str, skipped: Collection[UUID] = ()) -> Prediction | None:
    """The next prediction of a model without an outcome, neither skipped nor forgotten; None where none was found.

    At random, each prediction of the model is equally likely, also where more were made at some times than at others.
    Uncertain are those with the lowest probability of their class (least confidence; Lewis and Gale, "A sequential
    algorithm for training text classifiers", 1994) or the widest interval; unusual those with the most warnings. Both
    look at the newest only, so that millions of predictions keep nobody waiting.
    """
    for ids in CANDIDATES[queue](model):
        for start in range(0, len(ids), IDS_IN_A_QUERY):
            batch = ids[start : start + IDS_IN_A_QUERY]
            recorded = set(Outcome.objects.filter(prediction__in=batch).values_list("prediction", flat=True))
            recorded |= set(Prediction.objects.filter(id__in=batch, output=None).values_list("id", flat=True))
            for id in batch:
                if id not in recorded and id not in skipped:
                    return Prediction.objects.select_related("version").get(id=id)
    return None


def draw_candidates(model: str) -> Iterator[list[UUID]]:
    """Ids of a model's predictions in random order; of a large model, those in one sample after another."""
    of_model = Prediction.objects.filter(version__in=Version.objects.filter(model=model).values("id")).order_by()
    if of_model[: MOST_DRAWN_FROM + 1].count() <= MOST_DRAWN_FROM:
        ids = list(of_model.values_list("id", flat=True))
        SystemRandom().shuffle(ids)
        yield ids
        return
    for size in SAMPLES[connection.vendor]:
        sampled = sample_ids(model, size)
        if len(sampled) >= FEWEST_SAMPLED or size == SAMPLES[connection.vendor][-1]:
            SystemRandom().shuffle(sampled)
            yield sampled


def sample_ids(model: str, size: int) -> list[UUID]:
    """The ids of a model's predictions in a random part of the table, without a scan of it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(COUNT_PAGES)
            [pages] = cursor.fetchone()
            cursor.execute(FROM_PAGES, [min(100.0, 100.0 * size / float(pages)), model, MOST_SAMPLED])
        else:
            cursor.execute("SELECT MIN(rowid), MAX(rowid) FROM predictor_prediction")
            first, last = cursor.fetchone()
            rows = SystemRandom().sample(range(first, last + 1), min(size, last + 1 - first))
            cursor.execute(FROM_ROWS, [str(rows), model, MOST_SAMPLED])
        return [UUID(str(id)) for (id,) in cursor.fetchall()]


def rank_uncertain(model: str) -> Iterator[list[UUID]]:
    rows = list_newest(Filters(model=model), "probabilities", "interval")
    yield [id for id, *stored in sorted(rows, key=lambda row: find_certainty(*row[1:]))]


def rank_unusual(model: str) -> Iterator[list[UUID]]:
    rows = list_newest(Filters(model=model, warned=True), "warnings")
    yield [id for id, warnings in sorted(rows, key=lambda row: -len(row[1]))]


def find_certainty(probabilities: dict[str, float] | None, interval: list[float] | None) -> float:
    """The lower, the less certain; predictions with neither probabilities nor an interval come last."""
    if probabilities:
        return max(probabilities.values())
    return float(interval[0]) - float(interval[1]) if interval else 1.0


def list_newest(filters: Filters, *fields: str) -> list[Any]:
    """Ids and fields of the newest predictions, with and without an outcome, newest first."""
    ids = find_ids(filters, most=MOST_RANKED)
    stored = {row[0]: row for row in Prediction.objects.filter(id__in=ids).values_list("id", *fields)}
    return [stored[id] for id in ids if id in stored]


CANDIDATES: dict[Outcome.Queue, Callable[[str], Iterator[list[UUID]]]] = {
    Outcome.Queue.RANDOM: draw_candidates,
    Outcome.Queue.UNCERTAIN: rank_uncertain,
    Outcome.Queue.UNUSUAL: rank_unusual,
}
