"""Writes what a cluster made of a table: one file, or a folder of parts."""

import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from django.core.management.base import CommandError

from predictor.cluster.manifest import Input, hash_file, write_parts
from predictor.cluster.work import ScoredPiece
from predictor.management.whole_file import write_whole
from predictor.scoring.on_cluster import ClusterTable
from predictor.tables.parts_writing import write_csv_header, write_parquet_parts


def write_scored(
    table: ClusterTable, pieces: Iterator[ScoredPiece], *, input: Path, output: Path | None, format: str
) -> None:
    """Write the pieces to a file, or for the format parts to a folder; None is the standard output.

    Raises CommandError for what cannot be written.
    """
    if format == "parts":
        assert output is not None  # noqa: S101  # The command asks for a folder.
        _write_folder(table, pieces, input, output)
        return
    with write_whole(output) as made:
        if format == "csv":
            write_csv_header(table.columns, made)
            for piece in pieces:
                made.write(piece.data)
        else:
            write_parquet_parts((pl.read_parquet(io.BytesIO(piece.data)) for piece in pieces if piece.rows), made)


def _write_folder(table: ClusterTable, pieces: Iterator[ScoredPiece], input: Path, output: Path) -> None:
    described = Input(name=input.name, size=input.stat().st_size, sha256=hash_file(input), unit=table.divided.unit)
    try:
        write_parts(
            pieces,
            output,
            model=table.version.model,
            version=table.version.number,
            model_sha256=table.sent.sha256,
            history=table.history,
            input=described,
            columns=table.columns,
        )
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror or error}.") from error
