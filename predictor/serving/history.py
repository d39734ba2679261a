"""Writes predictions into the database: many in one statement, and all of them or none."""

from collections.abc import Callable, Sequence
from functools import cache

import msgspec
from django.db import connection, transaction

from predictor.models import Prediction

FIELDS = {field.attname: field for field in Prediction._meta.concrete_fields}


def insert_predictions(predictions: Sequence[Prediction], *, again: bool = False) -> None:
    """Commit all predictions or none; `again` where some or all may be there already, under the same ids."""
    INSERTS.get(connection.vendor, _insert_by_orm)(predictions, again)


def _insert_by_orm(predictions: Sequence[Prediction], again: bool) -> None:
    with transaction.atomic(durable=True):
        Prediction.objects.bulk_create(predictions, ignore_conflicts=again)


def _insert_as_json(predictions: Sequence[Prediction], again: bool) -> None:
    """As one JSON document that PostgreSQL takes apart, in a statement which is a transaction by itself.

    Of 32 rows, that costs this process a ninth of what bulk_create does, and one round trip instead of three.
    """
    rows = [{name: getattr(prediction, name) for name in FIELDS} for prediction in predictions]
    with connection.cursor() as cursor:
        cursor.execute(_write_sql() + " ON CONFLICT DO NOTHING" * again, [msgspec.json.encode(rows).decode()])


@cache
def _write_sql() -> str:
    names = ", ".join(FIELDS)
    types = ", ".join(f"{name} {field.db_type(connection)}" for name, field in FIELDS.items())
    given = f"json_to_recordset(%s) AS given ({types})"
    return f"INSERT INTO {Prediction._meta.db_table} ({names}) SELECT {names} FROM {given}"  # noqa: S608  # Our own.


INSERTS: dict[str, Callable[[Sequence[Prediction], bool], None]] = {"postgresql": _insert_as_json}
