"""The typical rows with which an answer's inputs are compared, as stored with a version.

Builds before it kept none. It is not signed: no prediction depends on it.
"""

from typing import TYPE_CHECKING, Self

import msgspec

from predictor.schema.table import Inputs, Table
from predictor.schema.values import Matrix

if TYPE_CHECKING:
    from predictor.schema.table import Texts

# The name under which a version keeps it.
BACKGROUND = "background"
MOST_ROWS = 100


class Background(msgspec.Struct, frozen=True, kw_only=True):
    """At most 100 rows, made from medians and quantiles."""

    rows: int
    # float64 of shape (rows, features), little-endian, as the schema encodes inputs.
    matrix: bytes
    # The texts of each column that has any, by its position.
    texts: dict[int, tuple[str | None, ...]] = {}

    @classmethod
    def pack(cls, matrix: Matrix, texts: "Texts") -> Self:
        """Of rows of shape (n, features), with the columns of texts by position, each of shape (n,)."""
        packed = matrix.astype("<f8").tobytes()
        return cls(
            rows=len(matrix),
            matrix=packed,
            texts={column: tuple(values.tolist()) for column, values in texts.items()},
        )

    @property
    def inputs(self) -> Inputs:
        """Its rows, as a version's estimator is given them."""
        import numpy as np

        matrix = np.frombuffer(self.matrix, dtype="<f8").reshape(self.rows, -1)
        if not self.texts:
            return matrix
        return Table(matrix=matrix, texts={column: np.array(each, dtype=object) for column, each in self.texts.items()})


def write_background(background: Background) -> bytes:
    return msgspec.msgpack.encode(background)


def read_background(stored: bytes) -> Background:
    """Raises ValueError for what is no background."""
    return msgspec.msgpack.decode(stored, type=Background)
