"""What a version keeps of its training data, with which the inputs of later predictions are compared.

It holds no training row. Of each column it has how many rows are in each bin, the ends of which lie between values; and
for all columns together blocks of five rows: which bins their values are in, column by column, but not which of the
five values of one column go with which of another.
"""

from typing import TYPE_CHECKING, Literal

import msgspec

from predictor.schema.values import Vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The name under which a version keeps it.
REFERENCE = "reference"
# What a column is made of: an input, of a text its length or the share of its known words, or the prediction.
Part = Literal["input", "length", "known words", "output"]
# In blocks, the number of the bin of a missing value, and of all bins that have no number of their own.
MISSING, REST = 255, 254
BLOCK_ROWS = 5


class Numbers(msgspec.Struct, frozen=True, kw_only=True, dict=True, tag_field="kind", tag="numbers"):
    """How a column of numbers is distributed: how many rows are in each bin, and how many have no value.

    A bin ends at its edge and includes it: `counts` has one entry more than there are `edges`, float64 in ascending
    order. The first and the last bin are empty, for values beyond the range that was seen.
    """

    name: str
    part: Part = "input"
    edges: bytes
    counts: tuple[int, ...]
    missing: int
    # Whether most rows in the lowest bin that is not empty have the same value, and in the highest one.
    single: tuple[bool, bool] = (False, False)

    def read_edges(self) -> Vector:
        import numpy as np

        return np.frombuffer(self.edges, dtype="<f8")

    def place(self, values: Vector) -> "NDArray[np.int64]":
        """The bin of each value, shape (n,)."""
        return self.read_edges().searchsorted(values)


class Categories(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="categories"):
    """How a column of codes is distributed: how many rows have each, and how many have no value."""

    name: str
    part: Part = "input"
    counts: tuple[int, ...]
    missing: int

    def place(self, values: Vector) -> "NDArray[np.int64]":
        """The bin of each code, shape (n,): the code itself."""
        return values.astype("int64")


Sample = Numbers | Categories


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What a version keeps of its training data."""

    # How many training rows there were.
    rows: int
    # Of the inputs but sensitive ones, in the schema's order; of a text, its length.
    columns: tuple[Sample, ...]
    # Of rows that the version was not trained on: the share of known words of texts, and its predictions.
    others: tuple[Sample, ...]
    # Numbers of bins, uint8, of shape (blocks, columns, 5); the five in ascending order.
    blocks: bytes

    def read_blocks(self) -> "NDArray[np.uint8]":
        """The numbers of bins, shape (blocks, columns, 5)."""
        import numpy as np

        shape = -1, max(1, len(self.columns)), BLOCK_ROWS
        return np.frombuffer(self.blocks, dtype=np.uint8).reshape(shape)


def number_bins(sample: Sample, values: Vector) -> "NDArray[np.uint8]":
    """The numbers of the values' bins as blocks have them, shape (n,); NaN is a missing value."""
    import numpy as np

    is_missing = ~np.isfinite(values)
    placed = np.minimum(sample.place(np.where(is_missing, 0.0, values)), REST)
    return np.where(is_missing, MISSING, placed).astype(np.uint8)


def cut_blocks(numbers: "NDArray[np.uint8]", order: "NDArray[np.int64]") -> "NDArray[np.uint8]":
    """Blocks, shape (blocks, columns, 5), of rows of shape (n, columns) in this order; rows left over have none."""
    import numpy as np

    whole = order[: len(order) // BLOCK_ROWS * BLOCK_ROWS]
    return np.sort(numbers[whole].reshape(-1, BLOCK_ROWS, numbers.shape[1]).transpose(0, 2, 1), axis=2)


def write_reference(reference: Reference) -> bytes:
    return msgspec.msgpack.encode(reference)


def read_reference(stored: bytes) -> Reference:
    return msgspec.msgpack.decode(stored, type=Reference)
