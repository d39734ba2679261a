"""Keeps a table that a job has made, to be downloaded."""

import tempfile
from collections.abc import Iterable, Sequence
from shutil import copyfileobj
from typing import Any

from predictor import jobs
from predictor.files.keeping import FileWriter, find_expiry
from predictor.models import KeptFile
from predictor.tables.columns import TableColumn
from predictor.tables.writing import WRITERS


def keep_table(
    held: jobs.Held, name: str, format: str, columns: Sequence[TableColumn], rows: Iterable[list[list[Any]]]
) -> KeptFile:
    """Write a table to the disk, and keep it as `name`.`format` until FILES_KEPT. Raises ExportError and NoSpace."""
    writer = FileWriter(name=f"{name}.{format}", made_by=held.job.made_by, expires=find_expiry())
    with tempfile.TemporaryFile(prefix="mlsite-table-") as made, writer:
        WRITERS[format](columns, rows, made)
        made.seek(0)
        copyfileobj(made, writer, 1 << 20)
        return writer.finish()
