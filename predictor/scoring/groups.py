"""Counts how answers change by ranges and categories of each input, in memory that does not grow with the rows."""

from collections.abc import Iterator

import numpy as np

from predictor.record.replay import Group
from predictor.schema.grouped import Groups
from predictor.schema.kinds import Feature
from predictor.schema.schema import Schema
from predictor.schema.text import Text
from predictor.schema.values import Mask, Matrix, Vector

MOST_GROUPS = 10
# A group that is smaller says little, and one that is larger is nearly everybody.
SMALLEST_SHARE, FEWEST_ROWS, LARGEST_SHARE = 0.01, 10, 0.95
# Compared with all rows; below, a group changes as all others do.
LEAST_FACTOR = 1.05
# The columns of what is counted.
ROWS, CHANGED, CHANGE, SIZE = range(4)


class InputGroups:
    """What is counted of the groups of one input."""

    def __init__(self, feature: Feature, first: Vector) -> None:
        self._groups = Groups(feature, first)
        self._counts = np.zeros((len(self._groups), 4))

    def count(self, column: Vector, counted: Matrix) -> None:
        """Add rows: their values of this input, shape (n,), and what is counted of each, shape (n, 4)."""
        codes = self._groups.place(column)
        for position in range(counted.shape[1]):
            sums = np.bincount(codes, weights=counted[:, position], minlength=len(self._counts))
            self._counts[:, position] += sums

    def list_groups(self, *, is_regression: bool) -> Iterator[Group]:
        for code, (rows, changed, change, size) in enumerate(self._counts.tolist()):
            if rows and self._groups.says_something(code):
                yield Group(
                    feature=self._groups.feature.name,
                    rows=int(rows),
                    changed=int(changed),
                    mean_change=change / rows if is_regression else None,
                    mean_size=size / rows if is_regression else None,
                    **self._groups.describe(code),
                )


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
