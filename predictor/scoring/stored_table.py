"""Stores a table of predictions, JSON as texts: by COPY on PostgreSQL, and elsewhere row by row."""

import io

import msgspec
import polars as pl
from django.db import connection
from django.db.models import JSONField

from predictor.models import Prediction
from predictor.scoring.storing import store_rows
from predictor.serving.history import FIELDS, Stored

# JSON has neither of them, and no other column contains a visitor's text: nothing needs quotes or escapes.
SEPARATOR, QUOTE = "\t", "\x01"
JSON_FIELDS = [name for name, field in FIELDS.items() if isinstance(field, JSONField)]
BYTES_AT_ONCE = 1 << 16


def complete(described: pl.DataFrame, version: int) -> pl.DataFrame:
    """What `describe_columns` made of rows that this version answered, with all columns of the table."""
    source = pl.lit(Prediction.Source.CSV.value)
    return described.with_columns(version_id=version, source=source).select(list(FIELDS))


def store_table(stored: pl.DataFrame) -> None:
    """Store all rows: on PostgreSQL, in one statement."""
    if connection.vendor == "postgresql":
        copy_table(stored)
    else:
        store_rows(list_rows(stored))


def insert_table(stored: pl.DataFrame) -> None:
    """Write all rows in the caller's transaction."""
    if connection.vendor == "postgresql":
        copy_table(stored)
    else:
        Prediction.objects.bulk_create([Prediction(**row) for row in list_rows(stored)])


def copy_table(stored: pl.DataFrame) -> None:
    """Write all rows or none, by one COPY of PostgreSQL."""
    lines = io.BytesIO()
    stored.write_csv(lines, include_header=False, separator=SEPARATOR, quote_style="never")
    lines.seek(0)
    how = f"FORMAT csv, DELIMITER '{SEPARATOR}', QUOTE '{QUOTE}'"
    sql = f"COPY {Prediction._meta.db_table} ({', '.join(stored.columns)}) FROM STDIN WITH ({how})"
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(sql, lines, size=BYTES_AT_ONCE)


def list_rows(stored: pl.DataFrame) -> list[Stored]:
    """The rows as `insert_rows` takes them."""
    return [
        row | {name: None if row[name] is None else msgspec.json.decode(row[name]) for name in JSON_FIELDS}
        for row in stored.iter_rows(named=True)
    ]
