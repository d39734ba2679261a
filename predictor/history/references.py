"""Predictions by the references that clients gave them, and whether a row is the one that has a reference."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from predictor.exceptions import ReferenceTaken
from predictor.history.hiding import find_hidden, list_hashes
from predictor.models import Prediction, Reference, Version
from predictor.schema.schema import Row
from predictor.schema.values import Value, write_value

TABLE = Reference._meta.db_table


def find_by_reference(model: str, references: Collection[str]) -> dict[str, UUID]:
    """The ids of a model's predictions by their references, without those that do not exist or were forgotten."""
    found = Reference.objects.filter(model=model, reference__in=references).exclude(prediction__output=None)
    return dict(found.values_list("reference", "prediction_id"))


def find_kept(names: Collection[tuple[str, str]]) -> dict[tuple[str, str], Prediction]:
    """The predictions of pairs of a model and a reference, with their versions.

    A reference whose prediction is gone or forgotten, as a former build may leave it, is deleted: it is free again.
    """
    ids = _find_ids(names)
    if not ids:
        return {}
    kept = Prediction.objects.without_forgotten().in_bulk(list(ids.values()))
    versions = Version.objects.for_lists().in_bulk({each.version_id for each in kept.values()})
    for each in kept.values():
        each.version = versions[each.version_id]
        restore_numbers(each)
    if left := set(ids.values()) - kept.keys():
        Reference.objects.filter(prediction__in=left).delete()
    return {name: kept[id] for name, id in ids.items() if id in kept}


def restore_numbers(prediction: Prediction) -> None:
    """Give a stored answer the numbers and the order of classes that it had when it was made.

    PostgreSQL's JSON keeps 1e22 as a whole number, and the keys of an object in an order of its own.
    """
    target, shares = prediction.version.target, prediction.probabilities
    if target.task == "regression":
        prediction.output = float(prediction.output)
    if prediction.interval is not None:
        prediction.interval = [float(bound) for bound in prediction.interval]
    if shares is not None:
        names = map(write_value, target.classes)
        prediction.probabilities = {name: float(shares[name]) for name in names if name in shares}


def _find_ids(names: Collection[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    found: dict[tuple[str, str], UUID] = {}
    for model in {model for model, _ in names}:
        references = [reference for each, reference in names if each == model]
        found |= {(model, reference): id for reference, id in _query_ids(model, references)}
    return found


def _query_ids(model: str, references: list[str]) -> Iterable[tuple[str, UUID]]:
    if connection.vendor != "postgresql":
        rows = Reference.objects.filter(model=model, reference__in=references)
        return rows.values_list("reference", "prediction_id")
    # Django's own query would take several times as long, and every batch with references asks.
    sql = f"SELECT reference, prediction_id FROM {TABLE} WHERE model = %s AND reference = ANY(%s)"  # noqa: S608  # Our own.
    with connection.cursor() as cursor:
        cursor.execute(sql, [model, references])
        return list(cursor.fetchall())


def find_doubles(references: Sequence[str | None], rows: Sequence[Row]) -> dict[int, int]:
    """The positions of rows whose reference an earlier row has, with that row's position.

    Raises ReferenceTaken where their inputs differ.
    """
    first: dict[str, int] = {}
    doubles: dict[int, int] = {}
    for position, reference in enumerate(references):
        if reference is not None and first.setdefault(reference, position) != position:
            doubles[position] = first[reference]
    if taken := [each for each in doubles if rows[each].values != rows[doubles[each]].values]:
        raise ReferenceTaken({each: str(references[each]) for each in taken})
    return doubles


def is_same_row(prediction: Prediction, row: Row) -> bool:
    """Whether a prediction was made of these inputs, as far as they are stored: what is not kept is not compared."""
    names = {*prediction.inputs, *row.values}
    return all(_is_same_input(prediction, name, row.values.get(name)) for name in names)


def _is_same_input(prediction: Prediction, name: str, value: Value) -> bool:
    if name in prediction.inputs:
        return _is_same_value(prediction.inputs[name], value)
    hashes = prediction.hashed_inputs or {}
    if hashes.get(name) is not None:
        return value is not None and hashes[name] in list_hashes(name, value)
    # Another version may have had no such feature, which is the same as none given.
    return value is None or (name not in hashes and name in find_hidden(prediction.version.schema))


def _is_same_value(stored: Any, value: Value) -> bool:
    if isinstance(stored, bool) is not isinstance(value, bool):
        return False
    # The database may keep 1e22 as a whole number, of which more digits are right.
    return bool(stored == value or (isinstance(value, float) and isinstance(stored, int) and float(stored) == value))


def list_references(ids: Iterable[UUID]) -> dict[UUID, str]:
    """The references of these predictions, by their ids; without those that have none."""
    found = Reference.objects.filter(prediction__in=list(ids))
    return dict(found.values_list("prediction_id", "reference"))
