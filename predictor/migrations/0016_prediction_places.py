from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


def may_wait(schema_editor: Any) -> bool:
    """Whether an index can be made and dropped while others write: not on SQLite, nor for a table with partitions."""
    if schema_editor.connection.vendor != "postgresql":
        return False
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT relkind <> 'p' FROM pg_class WHERE oid = 'predictor_prediction'::regclass")
        return bool(cursor.fetchone()[0])


class AddIndex(AddIndexConcurrently):
    """While processes of the former build go on writing; once more where it was stopped half-way."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if may_wait(schema_editor):
            # What is left of an index that was stopped: it would never be used.
            schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.index.name}"')
            super().database_forwards(app_label, schema_editor, from_state, to_state)
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
