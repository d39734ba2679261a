"""Scores a whole file on a Dask cluster, whose workers get the compiled model and pieces of the file."""

import io
from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl

from predictor.answering.table import name_added
from predictor.cluster.build import find_build
from predictor.cluster.client import ClusterError, score_pieces
from predictor.cluster.model import SentModel
from predictor.cluster.pieces import Divided
from predictor.cluster.work import Format, ScoredPiece, Wanted
from predictor.exceptions import ArtifactError
from predictor.models import Artifact, Version
from predictor.registry.versions import read_verified
from predictor.schema.schema import Schema
from predictor.scoring.counted import CountedTable
from predictor.scoring.stored_table import complete, store_table
from predictor.scoring.storing import store_in_order

if TYPE_CHECKING:
    from distributed import Client


def read_sent_model(version: Version) -> SentModel:
    """The verified compiled model of a version. Raises ClusterError where it has none: pickles are not sent."""
    try:
        content, data = read_verified(version, Artifact.Kind.ONNX)
    except ArtifactError as error:
        raise ClusterError(
            f"{version} has no compiled model that can be used ({error}), and pickles, which are code, are not sent to "
            "a cluster: score the file on one machine"
        ) from error
    return SentModel(
        name=str(version),
        schema=content["schema"],
        interval=content["interval"],
        decimals=version.decimals,
        sha256=content["sha256"],
        data=bytes(data),
    )


class ClusterTable(CountedTable):
    """Has the pieces of a table scored on a cluster, and stores what is to be stored of them."""

    def __init__(self, version: Version, divided: Divided, *, format: Format, history: bool) -> None:
        """Raises ClusterError for a version without a compiled model, or whose history has hashed inputs."""
        super().__init__()
        self.version, self.divided, self.history = version, divided, history
        self.sent = read_sent_model(version)
        schema = Schema.from_json(self.sent.schema)
        if history and "hash" in schema.sensitive.values():
            raise ClusterError(
                f"{version} has sensitive inputs that are stored as keyed hashes, and a cluster does not get the key: "
                "store nothing, or score the file on one machine"
            )
        self.names = name_added(schema, divided.columns, history=history)
        self._wanted = Wanted(build=find_build(), columns=divided.columns, format=format, history=history)

    @property
    def columns(self) -> list[str]:
        """The columns of the file, and those that are added."""
        return [*self.divided.columns, *self.names.values()]

    def score(self, client: "Client") -> Generator[ScoredPiece, None, None]:
        """The pieces with their answers, in order, each once it is stored. Raises ClusterError."""
        with closing(self._store(self.score_pieces(client))) as pieces:
            for piece in pieces:
                self.count(piece.rows, piece.refused, piece.errors)
                yield piece

    def _store(self, pieces: Generator[ScoredPiece, None, None]) -> Generator[ScoredPiece, None, None]:
        if not self.history:
            return pieces
        chunks = ((piece, self.unpack_stored(piece)) for piece in pieces)
        return store_in_order(chunks, store_table, self._count)

    def score_pieces(self, client: "Client") -> Generator[ScoredPiece, None, None]:
        """The same, for those who store and count by themselves."""
        return score_pieces(client, self.sent, self.divided.pieces, self._wanted)

    def unpack_stored(self, piece: ScoredPiece) -> pl.DataFrame:
        """What the history keeps of a piece."""
        if not piece.stored:
            return pl.DataFrame()
        return complete(pl.read_ipc(io.BytesIO(piece.stored)), self.version.pk)

    def _count(self, rows: int) -> None:
        self.stored += rows
