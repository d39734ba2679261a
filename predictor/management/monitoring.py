"""Writes what `monitor` found as text."""

from collections.abc import Iterator

from predictor.management.table import align_columns
from predictor.models import Monitoring
from predictor.record.monitoring import Monitoring as Result
from predictor.record.written_monitoring import write_monitoring
from predictor.schema.schema import Schema


def list_lines(stored: Monitoring, found: Result, schema: Schema) -> Iterator[str]:
    """The state with its reasons, and then all figures."""
    written = write_monitoring(found, schema, stored.computed_at, stored.computed_at)
    yield f"{stored.model}: {written.state}"
    yield from (f"  {sentence}" for sentence in [*written.sentences, *written.notes])
    for table in written.tables:
        yield f"  {table.title}. {table.caption}"
        yield from (f"    {line}" for line in align_columns(table.head, *table.rows))
