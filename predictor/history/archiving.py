"""What an archive has of each prediction, as plain rows, and how rows become predictions again."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import JSONField, Value

from predictor.exceptions import DamagedArchive
from predictor.history.ids import find_first_id
from predictor.history.matching import is_value
from predictor.models import Outcome, Prediction, Reference, Version
from predictor.tables.columns import TableColumn

JSON = ("inputs", "hashed_inputs", "output", "probabilities", "interval", "warnings", "warning_codes", "outcomes")
COLUMNS = [
    TableColumn(name="id", kind="text"),
    TableColumn(name="model", kind="text"),
    TableColumn(name="version", kind="integer"),
    TableColumn(name="source", kind="text"),
    TableColumn(name="created_at", kind="moment"),
    TableColumn(name="duration_ms", kind="number"),
    # Archives of former builds have none.
    TableColumn(name="reference", kind="text"),
    # As JSON, since models have different features.
    *(TableColumn(name=name, kind="text") for name in JSON),
]
STORED = [column.name for column in COLUMNS if column.name not in ("model", "version", "reference", "outcomes")]
ROWS_AT_ONCE = 1_000

Row = Mapping[str, Any]


def read_month(first: datetime, end: datetime) -> Iterator[list[list[Any]]]:
    """The predictions of a range of time in the order of their ids, with all of their outcomes, 1,000 at a time."""
    versions = {id: (model, number) for id, model, number in Version.objects.values_list("id", "model", "number")}
    last, limit = find_first_id(first), find_first_id(end)
    rows = Prediction.objects.filter(id__lt=limit).order_by("id").values("version_id", "reference__reference", *STORED)
    found = list(rows.filter(id__gte=last)[:ROWS_AT_ONCE])
    while found:
        outcomes = _read_outcomes([each["id"] for each in found])
        yield [_make_row(each, versions[each["version_id"]], outcomes.get(each["id"], [])) for each in found]
        found = list(rows.filter(id__gt=found[-1]["id"])[:ROWS_AT_ONCE])


def _read_outcomes(ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """All outcomes of predictions, each the correction of the one before."""
    outcomes: dict[UUID, list[dict[str, Any]]] = {}
    named = ("value", "recorded_at", "recorded_by", "queue")
    for each in Outcome.objects.filter(prediction__in=ids).order_by("id").values("prediction_id", *named):
        outcomes.setdefault(each.pop("prediction_id"), []).append(each)
    return outcomes


def _make_row(stored: Row, version: tuple[str, int], outcomes: Sequence[Row]) -> list[Any]:
    plain = {**stored, "id": str(stored["id"]), "model": version[0], "version": version[1], "outcomes": outcomes}
    plain["reference"] = stored["reference__reference"]
    texts = {name: msgspec.json.encode(plain[name]).decode() for name in JSON}
    return [{**plain, **texts}[column.name] for column in COLUMNS]


def restore(rows: Iterable[Row]) -> tuple[int, int]:
    """Store archived predictions again, with their outcomes; how many of each. What is still stored stays as it is.

    Raises DamagedArchive where a version is not in this database.
    """
    versions = {(each.model, each.number): each for each in Version.objects.only("model", "number")}
    restored = recorded = 0
    left = iter(rows)
    while taken := list(islice(left, ROWS_AT_ONCE)):
        known = set(Prediction.objects.filter(id__in=[each["id"] for each in taken]).values_list("id", flat=True))
        missing = [each for each in taken if UUID(each["id"]) not in known]
        with transaction.atomic(durable=True):
            Prediction.objects.bulk_create([_make_prediction(each, versions) for each in missing])
            _restore_references(missing)
            recorded += sum(_restore_outcomes(each) for each in missing)
        restored += len(missing)
    return restored, recorded


def _make_prediction(row: Row, versions: Mapping[tuple[str, int], Version]) -> Prediction:
    version = versions.get((row["model"], row["version"]))
    if version is None:
        raise DamagedArchive(f"there is no version {row['version']} of {row['model']!r} in this database")
    stored = decode(row)
    if stored["output"] is None:
        stored["output"] = Value(None, JSONField())  # Forgotten: null as JSON has it.
    return Prediction(**{name: stored[name] for name in STORED}, version=version)


def decode(row: Row) -> dict[str, Any]:
    """An archived prediction with its values as they are stored; its `outcomes` are a list, the current one last."""
    return {**row, "id": UUID(row["id"]), **{name: msgspec.json.decode(row[name]) for name in JSON}}


def _restore_references(rows: Iterable[Row]) -> None:
    """Store the references again that no other prediction was given meanwhile."""
    named = [each for each in rows if each.get("reference") is not None]
    Reference.objects.bulk_create(
        [Reference(prediction_id=UUID(each["id"]), model=each["model"], reference=each["reference"]) for each in named],
        ignore_conflicts=True,
    )


def _restore_outcomes(row: Row) -> int:
    last = None
    outcomes = msgspec.json.decode(row["outcomes"])
    for each in outcomes:
        last = Outcome.objects.create(
            prediction_id=UUID(row["id"]),
            value=each["value"],
            recorded_at=datetime.fromisoformat(each["recorded_at"]),
            recorded_by=each["recorded_by"],
            replaces=last,
            queue=each["queue"],
        )
    return len(outcomes)


def erase(row: Row) -> Row:
    """An archived prediction as `manage.py forget` leaves it."""
    erased = {"inputs": "{}", "warnings": "[]", "outcomes": "[]"}
    return {**row, "reference": None, **{name: erased.get(name, "null") for name in JSON}}


def list_recorded(row: Row) -> list[datetime]:
    """When the outcomes of an archived prediction were recorded."""
    return [datetime.fromisoformat(each["recorded_at"]) for each in msgspec.json.decode(row["outcomes"])]


def has_value(row: Row, feature: str, value: str, hashes: Collection[str]) -> bool:
    """Whether an archived prediction has an input that this text is, or one of these hashes of it."""
    hashed = msgspec.json.decode(row["hashed_inputs"]) or {}
    return is_value(value, msgspec.json.decode(row["inputs"]).get(feature)) or hashed.get(feature) in hashes
