"""Has the pieces of a kept file scored by a Dask cluster, where SCHEDULER_URL names one."""

import logging
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from django.conf import settings
from django.db import connection

from predictor.cluster.client import ClusterError, connect
from predictor.cluster.pieces import PieceSize, divide
from predictor.files.results import frame_part
from predictor.models import KeptFile, Version
from predictor.scoring.counted import CountedTable
from predictor.scoring.on_cluster import ClusterTable
from predictor.tables.places import Place

logger = logging.getLogger(__name__)

# A chunk of a job as it is stored, what the history keeps of it, and the place after it.
Packed = tuple[bytes, pl.DataFrame, Place]
# A smaller file is scored sooner than it is sent.
LEAST_BYTES = 1 << 20
# About as many rows as a worker of the site commits at once.
SIZE = PieceSize(bytes=1 << 18, rows=10_000)
SIZE_ON_SQLITE = PieceSize(bytes=1 << 14, rows=1_000)


def find_cluster(
    version: Version, file: KeptFile, spooled: Path, *, start: Place, history: bool
) -> ClusterTable | None:
    """The rest of a file for the cluster; None where there is none, or this worker scores it by itself.

    That is so for small files, and for what a cluster refuses, such as a version without a compiled model.
    """
    if not settings.SCHEDULER_URL or file.size < LEAST_BYTES:
        return None
    size = SIZE_ON_SQLITE if connection.vendor == "sqlite" else SIZE
    divided = divide(spooled, spooled.parent, name=file.name, start=start, size=size)
    try:
        return ClusterTable(version, divided, format="parquet", history=history)
    except ClusterError as error:
        logger.warning("scored without the cluster: %s", error)
        return None


def score_there(table: ClusterTable, counted: CountedTable) -> Iterator[Packed]:
    """The pieces in their order, each once; `counted` counts them. Uses no database. Raises ClusterError."""
    with connect(settings.SCHEDULER_URL) as client:
        for piece in table.score_pieces(client):
            if piece.rows:
                counted.count(piece.rows, piece.refused, piece.errors)
                yield frame_part(piece.data), table.unpack_stored(piece), piece.piece.find_after(counted.rows)
