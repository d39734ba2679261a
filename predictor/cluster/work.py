"""What a worker does with a piece of a table. It needs neither Django, nor settings, nor a database."""

import io
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from predictor.answering.described import describe_columns
from predictor.answering.parts import TableModel
from predictor.cluster.build import check_build
from predictor.cluster.model import SentModel, load_sent
from predictor.cluster.pieces import Piece
from predictor.schema.schema import Row, Schema
from predictor.tables.parts_writing import write_csv_parts

Format = Literal["csv", "parquet"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked of every piece of a table with these `columns`, of workers of this `build`."""

    build: str
    columns: Sequence[str]
    format: Format
    history: bool


@dataclass(frozen=True, kw_only=True)
class ScoredPiece:
    """A piece with its answers, as CSV without a header or as a Parquet file; `errors` by field and code.

    `stored` is what the history keeps of them, as Arrow. A piece without rows has no data.
    """

    piece: Piece
    rows: int
    refused: int
    errors: Mapping[tuple[str, str], int]
    data: bytes = field(repr=False)
    stored: bytes = field(repr=False)


def score_piece(sent: SentModel, piece: Piece, wanted: Wanted) -> ScoredPiece:
    """Score all rows of a piece. Raises WrongBuild, DamagedArtifact, and DatasetError naming the line."""
    check_build(wanted.build)
    model = TableModel.fit_columns(load_sent(sent), wanted.columns, sent.decimals, history=wanted.history)
    errors: Counter[tuple[str, str]] = Counter()
    frames, described, refused = [], [], 0
    for part in piece.read():
        began, ids = time.time_ns(), None
        scored, parsed = model.score(part)
        if wanted.history:
            kept, ids = describe_columns(model.model.schema, parsed, scored, began, _refuse_hash)
            described.append(kept)
        refused += len(scored.kinds)
        errors.update(kind for kinds in scored.kinds.values() for kind in kinds)
        frames.append(model.add_columns(part, scored, ids))
    written = io.BytesIO()
    if wanted.format == "csv":
        write_csv_parts(frames, written, header=False)
    elif frames:
        pl.concat(frames).write_parquet(written, compression="zstd", compression_level=1, statistics=False)
    rows = sum(map(len, frames))
    return ScoredPiece(
        piece=replace(piece, data=b""),
        rows=rows,
        refused=refused,
        errors=errors,
        data=written.getvalue(),
        stored=_pack(described),
    )


def _pack(frames: list[pl.DataFrame]) -> bytes:
    packed = io.BytesIO()
    if frames:
        pl.concat(frames).write_ipc(packed, compression="lz4")
    return packed.getvalue()


def _refuse_hash(schema: Schema, row: Row) -> None:
    raise AssertionError("workers do not have the key of hashed inputs")
