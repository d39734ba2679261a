"""How much of the database a file and its answers will take, before they are made."""

from dataclasses import dataclass

# Measured on PostgreSQL, with all indexes (docs/history.md); of the rest, an answer's columns as Parquet has them.
BYTES_OF_A_PREDICTION, BYTES_OF_AN_INPUT = 450, 30
BYTES_OF_AN_ANSWER, BYTES_OF_AN_ID, BYTES_OF_A_CLASS = 24, 14, 8


@dataclass(frozen=True, kw_only=True)
class Space:
    """In bytes: the file as it is, the result until both are deleted, and the history, which stays."""

    file: int
    result: int
    history: int

    @property
    def total(self) -> int:
        return self.file + self.result + self.history


def estimate_space(size: int, rows: int, *, inputs: int, classes: int, history: bool) -> Space:
    """What a file of `size` bytes and `rows` rows will take, for a model with so many inputs and classes."""
    answer = BYTES_OF_AN_ANSWER + BYTES_OF_A_CLASS * classes + BYTES_OF_AN_ID * history
    stored = BYTES_OF_A_PREDICTION + BYTES_OF_AN_INPUT * inputs + 2 * BYTES_OF_A_CLASS * classes
    return Space(file=size, result=size + rows * answer, history=rows * stored * history)
