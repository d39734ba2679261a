"""Counts how answers change by ranges and categories of each input, in memory that does not grow with the rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.record.replay import Group
from predictor.schema.kinds import Boolean, Category, Feature
from predictor.schema.schema import Schema
from predictor.schema.text import Text
from predictor.schema.values import Mask, Matrix, Vector

RANGES = 5
MOST_GROUPS = 10
# A group that is smaller says little, and one that is larger is nearly everybody.
SMALLEST_SHARE, FEWEST_ROWS, LARGEST_SHARE = 0.01, 10, 0.95
# Compared with all rows; below, a group changes as all others do.
LEAST_FACTOR = 1.05
# The columns of what is counted.
ROWS, CHANGED, CHANGE, SIZE = range(4)


class InputGroups:
    """The groups of one input. The ranges of numbers are fifths of the first rows; missing values are a group."""

    def __init__(self, feature: Feature, first: Vector) -> None:
        self.feature = feature
        self.edges: list[float] = []
        if isinstance(feature, Boolean):
            self._size = 2
        elif isinstance(feature, Category):
            self._size = len(feature.choices) + 1  # The last is any other text.
        else:
            known = first[np.isfinite(first)]
            shares = np.linspace(0, 1, RANGES + 1)[1:-1]
            edges = np.unique(np.quantile(known, shares, method="lower")) if len(known) else np.array([])
            self.edges = [edge for edge in edges.tolist() if edge > known.min()]
            self._size = len(self.edges) + 1
        # Missing values are counted last.
        self._counts = np.zeros((self._size + 1, 4))

    def count(self, column: Vector, counted: Matrix) -> None:
        """Add rows: their values of this input, shape (n,), and what is counted of each, shape (n, 4)."""
        codes = self._place(column)
        for position in range(counted.shape[1]):
            sums = np.bincount(codes, weights=counted[:, position], minlength=len(self._counts))
            self._counts[:, position] += sums

    def list_groups(self, *, is_regression: bool) -> Iterator[Group]:
        for code, (rows, changed, change, size) in enumerate(self._counts.tolist()):
            # Without ranges, all known values are one group, which says nothing.
            if rows and (code == self._size or self._is_coded or self.edges):
                yield Group(
                    feature=self.feature.name,
                    rows=int(rows),
                    changed=int(changed),
                    mean_change=change / rows if is_regression else None,
                    mean_size=size / rows if is_regression else None,
                    **self._describe(code),
                )

    def _place(self, column: Vector) -> NDArray[np.int64]:
        is_missing = np.isnan(column)
        known = np.where(is_missing, 0, column)
        codes = np.searchsorted(self.edges, known, side="right") if not self._is_coded else known.astype(np.int64)
        return np.where(is_missing, self._size, codes)

    @property
    def _is_coded(self) -> bool:
        return isinstance(self.feature, Boolean | Category)

    def _describe(self, code: int) -> dict[str, Any]:
        if code == self._size:
            return {}
        if isinstance(self.feature, Boolean):
            return {"value": "true" if code else "false"}
        if isinstance(self.feature, Category):
            choices = self.feature.choices
            return {"value": choices[code]} if code < len(choices) else {"is_other": True}
        ends = [None, *self.edges, None]
        return {"low": ends[code], "high": ends[code + 1]}


class AnswerGroups:
    """The groups of all inputs of a schema except texts."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._is_regression = schema.target.task == "regression"
        self._groups: dict[int, InputGroups] = {}
        self._rows = 0
        self._weight = 0.0

    def count(self, matrix: Matrix, changed: Mask, changes: Vector) -> None:
        """Add rows as encoded, shape (n, features), with whether each answer changes, and by how much."""
        if not self._groups:
            for position, feature in enumerate(self._schema.features):
                if not isinstance(feature, Text):
                    self._groups[position] = InputGroups(feature, matrix[:, position])
        counted = np.column_stack([np.ones(len(matrix)), changed, changes, np.abs(changes)])
        self._rows += len(matrix)
        self._weight += float(counted[:, SIZE if self._is_regression else CHANGED].sum())
        for position, groups in self._groups.items():
            groups.count(matrix[:, position], counted)

    def rank(self) -> tuple[Group, ...]:
        """The groups whose answers change more than those of all rows, the most first.

        Compared is the mean size of the change or, of classes, the share that changes.
        """
        fewest = max(FEWEST_ROWS, SMALLEST_SHARE * self._rows)
        least = LEAST_FACTOR * self._weight / max(self._rows, 1)
        found = [
            group
            for groups in self._groups.values()
            for group in groups.list_groups(is_regression=self._is_regression)
            if fewest <= group.rows <= LARGEST_SHARE * self._rows and self._weigh(group) > least
        ]
        return tuple(sorted(found, key=self._weigh, reverse=True)[:MOST_GROUPS])

    @staticmethod
    def _weigh(group: Group) -> float:
        return group.changed / group.rows if group.mean_size is None else group.mean_size
