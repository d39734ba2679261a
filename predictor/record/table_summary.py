"""What a version keeps of its table, with which the table of the next retrain is compared. It holds no row."""

import msgspec

# The name under which a version keeps it.
TABLE = "table"


class TableSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows have no value."""

    # Those of the table, also without a target; recorded outcomes are none.
    rows: int
    without_target: int
    training_rows: int
    # How many training rows have no value, by input.
    missing: dict[str, int]
    target_name: str
    # The least and the largest value of a target of numbers.
    target: tuple[float, float] | None = None

    @property
    def missing_shares(self) -> dict[str, float]:
        """The shares of training rows without a value by input, and that of the table's rows without a target."""
        shares = {name: count / self.training_rows for name, count in self.missing.items()}
        return {self.target_name: self.without_target / self.rows, **shares}


def write_summary(summary: TableSummary) -> bytes:
    return msgspec.msgpack.encode(summary)


def read_summary(stored: bytes) -> TableSummary:
    return msgspec.msgpack.decode(stored, type=TableSummary)
