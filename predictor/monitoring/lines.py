"""Writes what was found of a model as text, for terminals and alerts."""

from collections.abc import Iterator

from predictor.alignment import align_columns
from predictor.models import Monitoring, Version
from predictor.record.monitoring import Monitoring as Result
from predictor.record.written_monitoring import write_monitoring
from predictor.schema.schema import Schema


def write_text(stored: Monitoring, found: Result) -> str:
    """The state with its reasons, and then all figures."""
    schema = Version.objects.get(model=stored.model, number=found.version).parsed_schema
    return "\n".join(_list_lines(stored, found, schema))


def _list_lines(stored: Monitoring, found: Result, schema: Schema) -> Iterator[str]:
    written = write_monitoring(found, schema, stored.computed_at, stored.computed_at)
    yield f"{stored.model}: {written.state}"
    yield from (f"  {sentence}" for sentence in [*written.sentences, *written.notes])
    for table in written.tables:
        yield f"  {table.title}. {table.caption}"
        yield from (f"    {line}" for line in align_columns(table.head, *table.rows))
