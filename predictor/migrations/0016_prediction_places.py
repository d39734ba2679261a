from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

TABLE = "predictor_prediction"


def list_partitions(schema_editor: Any) -> list[str]:
    """The parts of the table on PostgreSQL; none where it is not divided."""
    if schema_editor.connection.vendor != "postgresql":
        return []
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [TABLE])
        return [name for (name,) in cursor.fetchall()]


def may_wait(schema_editor: Any) -> bool:
    """Whether an index can be made and dropped while others write: not on SQLite, nor for a table with partitions."""
    return schema_editor.connection.vendor == "postgresql" and not list_partitions(schema_editor)


def add_to_partitions(schema_editor: Any, model: Any, index: models.Index, partitions: list[str]) -> None:
    """Make the index of each part while others write, and join them: on the whole table, only its name is locked."""
    statement = str(index.create_sql(model, schema_editor))
    begin, rest = f'CREATE INDEX "{index.name}" ON "{TABLE}"', statement.partition(f'ON "{TABLE}"')[2]
    assert statement == begin + rest  # noqa: S101  # As Django 5.2 writes it.
    schema_editor.execute(f'DROP INDEX IF EXISTS "{index.name}"')
    schema_editor.execute(f'CREATE INDEX "{index.name}" ON ONLY "{TABLE}"{rest}')
    for partition in partitions:
        name = f"{partition}_{index.name}"[:63]
        schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')
        schema_editor.execute(f'CREATE INDEX CONCURRENTLY "{name}" ON "{partition}"{rest}')
        schema_editor.execute(f'ALTER INDEX "{index.name}" ATTACH PARTITION "{name}"')


class AddIndex(AddIndexConcurrently):
    """While processes of the former build go on writing; once more where it was stopped half-way."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if may_wait(schema_editor):
            # What is left of an index that was stopped: it would never be used.
            schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.index.name}"')
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif partitions := list_partitions(schema_editor):
            model = to_state.apps.get_model(app_label, self.model_name)
            add_to_partitions(schema_editor, model, self.index, partitions)
        else:
            migrations.AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        migrations.AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


class RemoveIndex(RemoveIndexConcurrently):
    """The same for one that only the former build's admin uses."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        by = RemoveIndexConcurrently if may_wait(schema_editor) else migrations.RemoveIndex
        by.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        migrations.RemoveIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


PLACE = ["version", "source", "id"]
WARNED = models.Q(("warnings", []), _negated=True)


class Migration(migrations.Migration):
    """New indexes first, so that there is one at any moment; not in a transaction, which would lock the table."""

    atomic = False

    dependencies = [
        ("predictor", "0015_hashed_inputs"),
    ]

    operations = [
        AddIndex("prediction", models.Index(fields=PLACE, name="prediction_place")),
        AddIndex("prediction", models.Index(fields=PLACE, condition=WARNED, name="prediction_warned_place")),
        RemoveIndex("prediction", "prediction_version"),
        RemoveIndex("prediction", "prediction_source"),
        RemoveIndex("prediction", "prediction_day"),
        RemoveIndex("prediction", "prediction_warned"),
    ]
