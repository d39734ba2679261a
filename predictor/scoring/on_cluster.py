"""Scores a whole file on a Dask cluster, whose workers get the compiled model and pieces of the file."""

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING

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
    """Has the pieces of a table scored on a cluster."""

    def __init__(self, version: Version, divided: Divided, *, format: Format) -> None:
        """Raises ClusterError for a version without a compiled model."""
        super().__init__()
        self.version, self.divided, self.sent = version, divided, read_sent_model(version)
        self.names = name_added(Schema.from_json(self.sent.schema), divided.columns, history=False)
        self._wanted = Wanted(build=find_build(), columns=divided.columns, format=format, history=False)

    @property
    def columns(self) -> list[str]:
        """The columns of the file, and those that are added."""
        return [*self.divided.columns, *self.names.values()]

    def score(self, client: "Client") -> Generator[ScoredPiece, None, None]:
        """The pieces with their answers, in order. Raises ClusterError."""
        with closing(score_pieces(client, self.sent, self.divided.pieces, self._wanted)) as scored:
            for each in scored:
                self.rows += each.rows
                self.refused += each.refused
                self.errors.update(each.errors)
                yield each
