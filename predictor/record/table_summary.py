"""What a version keeps of its table, with which the table of the next retrain is compared. It holds no row."""

import msgspec

from predictor.schema.values import Label

# The name under which a version keeps it.
TABLE = "table_summary"


class TableSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows have no value, and which values there are; recorded outcomes do not count."""

    # With those that have no target.
    rows: int
    # The shares of training rows without a value, by input, and that of all rows without a target.
    missing: dict[str, float] = {}
    # Of training rows: the least and the largest number of inputs, as encoded, and of a target of numbers.
    ranges: dict[str, tuple[float, float]] = {}
    # The categories and the classes of all rows that have a target.
    categories: dict[str, tuple[Label, ...]] = {}


def write_summary(summary: TableSummary) -> bytes:
    return msgspec.msgpack.encode(summary)


def read_summary(stored: bytes) -> TableSummary:
    return msgspec.msgpack.decode(stored, type=TableSummary)
