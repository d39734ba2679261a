"""Counts the rows of a table while they are scored."""

from collections import Counter
from collections.abc import Mapping


class CountedTable:
    """How many rows were scored, have an error, or are stored so far; `names` are those of the added columns."""

    names: Mapping[str, str]

    def __init__(self) -> None:
        self.rows = self.refused = self.stored = 0
        # By field and code.
        self.errors: Counter[tuple[str, str]] = Counter()

    def count(self, rows: int, refused: int, errors: Mapping[tuple[str, str], int]) -> None:
        """Add rows, of which so many have an error, and their errors by field and code."""
        self.rows += rows
        self.refused += refused
        self.errors.update(errors)
