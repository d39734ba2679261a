"""Deletes old predictions with all that belongs to them, in transactions too short for anybody to wait for."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, Model, OuterRef, QuerySet

from predictor.exceptions import TablesBusy
from predictor.history.ids import find_first_id
from predictor.history.partitions import FIRST, Partition, count_versions, drop_partitions, list_partitions
from predictor.history.related import delete_related, list_owners_before
from predictor.history.stored_answers import delete_answers_before
from predictor.models import Outcome, Prediction, Version, VisitorReport
from predictor.models.prediction import NIL_UUID

# On SQLite, whose writers all wait meanwhile, deleting so many takes about 20 ms.
ROWS_IN_A_TRANSACTION = 500
MOST_SECONDS_OF_PAUSE = 1.0
# Of dropping partitions, in whose rows somebody records outcomes at the same time.
ATTEMPTS = 10
HAS_OUTCOME = Exists(Outcome.objects.filter(prediction=OuterRef("pk")))

Delete = Callable[[Collection[UUID]], Mapping[type[Model], int]]


@dataclass(kw_only=True)
class Pruned:
    """How many rows of one model were deleted, or would be; `kept` are old predictions that stay for their outcome."""

    predictions: int = 0
    outcomes: int = 0
    visitor_reports: int = 0
    kept: int = 0


COUNTED: dict[type[Model], str] = {Prediction: "predictions", Outcome: "outcomes", VisitorReport: "visitor_reports"}


@dataclass(kw_only=True)
class Pruning:
    """Deletes what was predicted before `until`, by the time in the ids; no other is in the order of an index.

    With `keep_outcomes`, predictions with an outcome stay as they are.

    When it is stopped, what was committed is deleted, and the next run goes on with the rest.
    """

    until: datetime
    keep_outcomes: bool = False
    report: Callable[[int], None] = lambda done: None
    pruned: dict[str, Pruned] = field(default_factory=dict, init=False)
    _models: dict[int, str] = field(default_factory=dict, init=False)

    def run(self) -> dict[str, Pruned]:
        """Delete, and return the numbers by model."""
        self._models = dict(Version.objects.values_list("id", "model"))
        if partitions := self._list_old_partitions():
            self._drop(partitions)
        last: UUID | None = NIL_UUID
        while last is not None:
            with give_way():
                last = self._prune_next(last)
            self.report(sum(each.predictions for each in self.pruned.values()))
        delete_answers_before(self.until)
        return self.pruned

    def count(self) -> dict[str, Pruned]:
        """Delete nothing, and return the numbers by model of what `run` would delete."""
        found = Prediction.objects.filter(id__lt=find_first_id(self.until))
        if self.keep_outcomes:
            self._count("kept", found.filter(HAS_OUTCOME))
            found = found.exclude(HAS_OUTCOME)
        self._count("predictions", found)
        self._count("outcomes", Outcome.objects.filter(prediction__in=found), "prediction__")
        self._count("visitor_reports", VisitorReport.objects.filter(prediction__in=found), "prediction__")
        return self.pruned

    def _prune_next(self, after: UUID) -> UUID | None:
        """Delete the next old predictions after this id; the last that was looked at, or None where none is left.

        What somebody else is writing to at the moment is left for the next run.
        """
        with transaction.atomic(durable=True):
            old = Prediction.objects.filter(id__gt=after, id__lt=find_first_id(self.until)).order_by("id")
            rows = old.select_for_update(skip_locked=True)
            found = dict(rows.values_list("id", "version_id")[:ROWS_IN_A_TRANSACTION])
            # Asked once the rows are locked: from now on, no outcome can be recorded for them.
            kept = find_with_outcome(found) if self.keep_outcomes else set()
            self._delete({id: version for id, version in found.items() if id not in kept}, delete_predictions)
        for id in kept:
            self._add(self._models[found[id]], "kept", 1)
        return max(found) if len(found) == ROWS_IN_A_TRANSACTION else None

    def _list_old_partitions(self) -> list[Partition]:
        """The first partitions that contain nothing but old predictions, none of which is to be kept."""
        first_id = find_first_id(self.until)
        old = list(takewhile(lambda each: each.end is not None and each.end <= first_id, list_partitions()))
        if self.keep_outcomes:
            old = list(takewhile(lambda each: not has_outcomes(each), old))
        return old if any(each.name != FIRST for each in old) else []

    def _drop(self, partitions: Sequence[Partition]) -> None:
        """Drop whole partitions, however many rows they have, once nothing belongs to their rows any more.

        With `keep_outcomes`, nothing is dropped where an outcome is recorded meanwhile.
        """
        end = partitions[-1].end
        assert end is not None  # noqa: S101  # They are old.
        for _ in range(ATTEMPTS):
            while owners := list_owners_before(end, ROWS_IN_A_TRANSACTION):
                with give_way(), transaction.atomic(durable=True):
                    rows = Prediction.objects.filter(id__in=owners).select_for_update()
                    found = dict(rows.values_list("id", "version_id"))
                    if self.keep_outcomes and find_with_outcome(found):
                        return  # Recorded since these partitions had none: now, rows are deleted one by one.
                    self._delete(found, delete_related)
            counted: Counter[int] = sum((count_versions(each) for each in partitions), Counter())
            try:
                drop_partitions([each.name for each in partitions], end)
            except IntegrityError:
                continue  # An outcome was recorded meanwhile.
            for version, count in counted.items():
                self._add(self._models[version], "predictions", count)
            return
        raise TablesBusy("outcomes of old predictions are recorded all the time: run it again")

    def _delete(self, found: Mapping[UUID, int], delete: Delete) -> None:
        """Delete, and count by model; `found` are versions by the predictions' ids."""
        models = {id: self._models[version] for id, version in found.items()}
        for model in set(models.values()):
            deleted = delete([id for id in models if models[id] == model])
            for kind, name in COUNTED.items():
                self._add(model, name, deleted.get(kind, 0))

    def _count(self, name: str, rows: QuerySet[Model], path: str = "") -> None:
        model = f"{path}version__model"
        for each in rows.order_by().values(model).annotate(count=Count("pk")):
            self._add(each[model], name, each["count"])

    def _add(self, model: str, name: str, count: int) -> None:
        pruned = self.pruned.setdefault(model, Pruned())
        setattr(pruned, name, getattr(pruned, name) + count)


@contextmanager
def give_way() -> Iterator[None]:
    """Pause after the block for as long as it took, so that others write as much."""
    started = time.monotonic()
    yield
    time.sleep(min(time.monotonic() - started, MOST_SECONDS_OF_PAUSE))


def find_with_outcome(ids: Collection[UUID]) -> set[UUID]:
    """Those of these predictions for which an outcome is recorded."""
    return set(Outcome.objects.filter(prediction__in=ids).values_list("prediction_id", flat=True))


def has_outcomes(partition: Partition) -> bool:
    found = Outcome.objects.filter(prediction__lt=partition.end)
    return (found.filter(prediction__gte=partition.first) if partition.first else found).exists()


def delete_predictions(ids: Collection[UUID]) -> dict[type[Model], int]:
    """Delete predictions with all that belongs to them, and return how many rows of each model."""
    deleted = delete_related(ids)
    rows = Prediction.objects.filter(id__in=ids)
    return deleted | {Prediction: rows._raw_delete(rows.db)}
