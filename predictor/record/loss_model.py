"""What a version keeps to estimate its quality before outcomes: how large its losses are, by inputs and prediction.

It holds no training row: only boosted trees as plain arrays, each leaf of which was made from many rows. It is not
signed, since no prediction depends on it. Builds before it kept none.
"""

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from predictor.schema.values import Mask, Matrix

# The name under which a version keeps it.
LOSS_MODEL = "loss_model"

EstimatedMetric = Literal["mae", "accuracy"]
# The type of each array of `Trees`.
TYPES = {
    "columns": "<i2",
    "thresholds": "<f8",
    "left": "<i2",
    "right": "<i2",
    "missing_left": "u1",
    "values": "<f4",
    "roots": "<i2",
}


class Trees(msgspec.Struct, frozen=True, kw_only=True):
    """The nodes of all trees, each array of shape (nodes,) and little-endian; a leaf is followed by itself."""

    # The column that a node asks for.
    columns: bytes
    # What is this or less goes left.
    thresholds: bytes
    # The numbers of the nodes that follow.
    left: bytes
    right: bytes
    # 1 where a missing value goes left.
    missing_left: bytes
    # What a leaf adds; 0 of other nodes.
    values: bytes
    # The number of each tree's first node, shape (trees,).
    roots: bytes
    depth: int

    def read(self, name: str) -> "NDArray[Any]":
        """One of the arrays."""
        import numpy as np

        return np.frombuffer(getattr(self, name), dtype=TYPES[name])


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """Which inputs the rows had that a loss model was fitted on: what one in a thousand has, and no rarer ones."""

    # The range of each column, float64, shape (features,); infinite where any number is alike, as of codes and dates.
    lows: bytes
    highs: bytes
    # 1 where a value may be missing, uint8, shape (features,).
    may_be_missing: bytes
    # By column of codes, 1 for each that occurs, uint8, shape (codes,).
    codes: dict[int, bytes]

    def find_outside(self, matrix: "Matrix") -> "Mask":
        """Mark the rows of a matrix, shape (n, features), one of whose values the rows did not have."""
        import numpy as np

        lows, highs = np.frombuffer(self.lows, dtype="<f8"), np.frombuffer(self.highs, dtype="<f8")
        is_missing = np.isnan(matrix)
        outside = (matrix < lows) | (matrix > highs)
        outside |= is_missing & ~np.frombuffer(self.may_be_missing, dtype=np.bool_)
        for column, occurs in self.codes.items():
            known = np.append(np.frombuffer(occurs, dtype=np.bool_), False)
            codes = np.where(is_missing[:, column], -1, matrix[:, column]).clip(-1, len(known) - 1).astype(np.int64)
            outside[:, column] |= ~is_missing[:, column] & ~known[codes]
        return np.asarray(outside.any(axis=1))


class LossModel(msgspec.Struct, frozen=True, kw_only=True):
    """Boosted trees for the loss of a row: |y − ŷ| for MAE; for accuracy, 1 for a wrong class and 0 for the right one.

    A row's columns are its inputs, as the schema encodes them, its prediction and, with probabilities, the largest of
    them and its distance to the second.
    """

    metric: EstimatedMetric
    # How many rows it was fitted on, none of which the version that predicted them was trained on.
    rows: int
    # The metric on the hold-out, and the radius of its 95 % interval.
    promised: float
    promised_radius: float
    takes_probabilities: bool
    # The trees are in groups of equal size, each fitted without a part of the rows; their sums begin with these.
    starts: tuple[float, ...]
    trees: Trees
    support: Support
    # The variance of a loss is this times the square of its expected value; 0 for accuracy, where it is known.
    dispersion: float = 0.0
    # By column of codes, the number by which trees know each code, float32; the last one is that of all others.
    codes: dict[int, bytes] = {}


def write_loss_model(model: LossModel) -> bytes:
    return msgspec.msgpack.encode(model)


def read_loss_model(stored: bytes) -> LossModel:
    """Raises ValueError for what is none."""
    return msgspec.msgpack.decode(stored, type=LossModel)
