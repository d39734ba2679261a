"""Writes predictions into the database: many in one statement, and all of them or none."""

from collections.abc import Callable, Sequence

import msgspec
from django.db import connection, transaction

from predictor.models import Prediction


def insert_predictions(predictions: Sequence[Prediction], *, again: bool = False) -> None:
    """Commit all predictions or none; `again` where some or all may be there already, under the same ids."""
    insert = INSERTS.get(connection.vendor, _insert_by_orm)
    with transaction.atomic(durable=True):
        insert(predictions, again)


def _insert_by_orm(predictions: Sequence[Prediction], again: bool) -> None:
    Prediction.objects.bulk_create(predictions, ignore_conflicts=again)


def _insert_as_json(predictions: Sequence[Prediction], again: bool) -> None:
    """As one JSON document, which PostgreSQL takes apart: a ninth of what Django's own INSERT costs this process.

    `python -m benchmarks.history` measures it. A COPY would be no cheaper here, and libpq has none for greenlets.
    """
    fields = Prediction._meta.concrete_fields
    names = ", ".join(field.attname for field in fields)
    types = ", ".join(f"{field.attname} {field.db_type(connection)}" for field in fields)
    rows = [{field.attname: getattr(prediction, field.attname) for field in fields} for prediction in predictions]
    sql = (
        f"INSERT INTO {Prediction._meta.db_table} ({names})"  # noqa: S608  # Names of our own.
        f" SELECT {names} FROM json_to_recordset(%s) AS given ({types})"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql + " ON CONFLICT DO NOTHING" * again, [msgspec.json.encode(rows).decode()])


INSERTS: dict[str, Callable[[Sequence[Prediction], bool], None]] = {"postgresql": _insert_as_json}
