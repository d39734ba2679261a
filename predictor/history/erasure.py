"""Forgets predictions: erases what was given and what came of it, and leaves a row that says only that it was.

The row keeps its id and thereby its moment, its version, source and duration, so that counts stay true. Its inputs are
empty, and its output is null, which no other prediction has.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import JSONField, Model, Value
from django.db.models.fields.json import KeyTransform

from predictor.history.filters import Filters, InputFilter
from predictor.history.hiding import list_hashes
from predictor.history.ids import find_moment
from predictor.history.related import delete_related, list_related
from predictor.history.search import rows as search_rows
from predictor.history.stored_answers import delete_answers_with
from predictor.models import (
    IdempotencyKey,
    Job,
    KeptChunk,
    Monitoring,
    Outcome,
    Prediction,
    Replay,
    Version,
    VisitorReport,
)

# On SQLite, all writers wait for so many.
ROWS_IN_A_TRANSACTION = 500
ERASED: dict[str, Any] = {
    "inputs": {},
    "hashed_inputs": None,
    "output": Value(None, JSONField()),
    "probabilities": None,
    "interval": None,
    "warnings": [],
    "warning_codes": None,
}


@dataclass(kw_only=True)
class Forgotten:
    """What was erased of one model, or would be.

    `findings` are replays and results of monitoring, which may repeat values; they can be computed again. `files` are
    kept ones that may have such rows, such as exports. `versions` may have been trained with one of the outcomes, which
    their artifacts may contain.
    """

    predictions: int = 0
    already: int = 0
    archived: int = 0
    outcomes: int = 0
    visitor_reports: int = 0
    findings: int = 0
    files: int = 0
    versions: list[Version] = field(default_factory=list)


@dataclass(kw_only=True)
class Erasing:
    """Forgets predictions by their ids; `dry_run` only counts. What does not exist is in `unknown` afterwards."""

    dry_run: bool = False
    forgotten: dict[str, Forgotten] = field(default_factory=dict, init=False)
    unknown: list[UUID] = field(default_factory=list, init=False)
    _oldest: dict[str, datetime] = field(default_factory=dict, init=False)
    _recorded: dict[str, list[datetime]] = field(default_factory=dict, init=False)

    def run(self, ids: Iterable[UUID]) -> dict[str, Forgotten]:
        """Forget these predictions, and return what was erased, by model."""
        overwrite_erased()
        left = iter(dict.fromkeys(ids))
        batches = []
        while batch := list(islice(left, ROWS_IN_A_TRANSACTION)):
            batches.append(batch)
            with transaction.atomic(durable=True):
                self._forget(batch)
        for batch in batches if not self.dry_run else []:
            # A file of outcomes may have been stored that was checked before.
            with transaction.atomic(durable=True):
                delete_related(batch)
        if batches and not self.dry_run:
            delete_answers_with({id for batch in batches for id in batch})
        for model, forgotten in self.forgotten.items():
            forgotten.findings = self._erase_findings(model)
            forgotten.versions = find_trained(model, self._recorded.get(model, []))
        if not self.dry_run:
            truncate_log()
        return self.forgotten

    def find_oldest(self, model: str) -> datetime:
        """When the oldest of a model's predictions was made."""
        return self._oldest[model]

    def add_archived(self, model: str, id: UUID, recorded: Iterable[datetime]) -> None:
        """Count a prediction that is erased from an archive, whose outcomes were recorded at these moments."""
        self._get(model).archived += 1
        self._recorded.setdefault(model, []).extend(recorded)
        self._oldest[model] = min(find_moment(id), self._oldest.get(model, find_moment(id)))

    def _forget(self, ids: Sequence[UUID]) -> None:
        found = Prediction.objects.filter(id__in=ids).order_by("id").select_for_update()
        models: dict[str, list[UUID]] = {}
        for id, model, output in found.values_list("id", "version__model", "output"):
            models.setdefault(model, []).append(id)
            self._get(model).already += output is None
            self._oldest[model] = min(find_moment(id), self._oldest.get(model, find_moment(id)))
        self.unknown += sorted(set(ids).difference(*models.values()))
        for model, same in models.items():
            self._erase(model, same)

    def _erase(self, model: str, ids: Sequence[UUID]) -> None:
        forgotten = self._get(model)
        outcomes = Outcome.objects.filter(prediction__in=ids)
        self._recorded.setdefault(model, []).extend(outcomes.values_list("recorded_at", flat=True))
        forgotten.predictions += len(ids)
        forgotten.outcomes += outcomes.count()
        forgotten.visitor_reports += VisitorReport.objects.filter(prediction__in=ids).count()
        if not self.dry_run:
            erase_log(ids)
            delete_related(ids)
            Prediction.objects.filter(id__in=ids).update(**ERASED)

    def _erase_findings(self, model: str) -> int:
        """Delete what was computed of the model's predictions since the oldest of these was made."""
        replays = Replay.objects.filter(version__model=model, recorded_at__gte=self._oldest[model])
        monitored = Monitoring.objects.filter(model=model, computed_at__gte=self._oldest[model])
        count = replays.count() + monitored.count()
        if not self.dry_run:
            replays.delete()
            monitored.delete()
        return count

    def _get(self, model: str) -> Forgotten:
        return self.forgotten.setdefault(model, Forgotten())


def find_ids(model: str, feature: str, value: str) -> Iterator[UUID]:
    """The predictions of a model for which a feature was this value, as the admin's search compares them.

    Where only its hash was stored, the value is read as forms read it, and its hashes are searched for.
    """
    filters = Filters(model=model, inputs=(InputFilter(feature=feature, test="is", value=value),))
    for chunk in search_rows(filters):
        yield from (row.id for row in chunk)
    hashed = Prediction.objects.filter(version__model=model).annotate(hashed=KeyTransform(feature, "hashed_inputs"))
    for each in sorted(find_hashes(model, feature, value)):
        yield from hashed.filter(hashed=each).values_list("id", flat=True)


def find_hashes(model: str, feature: str, value: str) -> set[str]:
    """The hashes of a value by all versions of a model that store only hashes of the feature."""
    schemas = [version.parsed_schema for version in Version.objects.filter(model=model).only("schema", "translations")]
    parsed = {each.by_name[feature].parse(value) for each in schemas if each.sensitive.get(feature) == "hash"}
    return {hashed for each in parsed for hashed in list_hashes(feature, each)}


def find_trained(model: str, recorded: Sequence[datetime]) -> list[Version]:
    """The versions of a model that may have been trained with outcomes which were recorded at these moments.

    A version stores which range of time its outcomes are from, not which ones did not fit its recipe.
    """
    found = []
    for version in Version.objects.filter(model=model).order_by("number"):
        used = getattr(version.parsed_data, "outcomes", None)
        if used is not None and used.newest:
            since = datetime.fromisoformat(used.since) if used.since else None
            newest = datetime.fromisoformat(used.newest)
            if any((since is None or since <= each) and each <= newest for each in recorded):
                found.append(version)
    return found


def erase_log(ids: Sequence[UUID]) -> None:
    """Erase from the admin's log what it says of rows that belong to these predictions."""
    for rows in list_related(ids):
        kind = ContentType.objects.get_for_model(rows.model)
        keys = [str(key) for key in rows.values_list("pk", flat=True)]
        LogEntry.objects.filter(content_type=kind, object_id__in=keys).update(object_repr="", change_message="")


def overwrite_erased() -> None:
    """Have SQLite overwrite with zeros what this connection erases; otherwise the file keeps the bytes."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")


def truncate_log() -> None:
    """Move SQLite's write-ahead log, which has the pages of before, into the file, and empty it."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def vacuum() -> None:
    """Have PostgreSQL remove the former states of rows, which it keeps for others until then; nobody waits for it."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        tables: list[type[Model]] = [
            Prediction,
            Replay,
            Monitoring,
            LogEntry,
            IdempotencyKey,
            Job,
            KeptChunk,
            *(each.model for each in list_related([])),
        ]
        names = ", ".join(connection.ops.quote_name(each._meta.db_table) for each in tables)
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM {names}")
