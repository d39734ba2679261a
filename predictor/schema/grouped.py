"""Groups of rows with similar values of one input: fifths of numbers, each category, and missing values."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.schema.kinds import Boolean, Category, Feature
from predictor.schema.values import Vector

RANGES = 5


class Groups:
    """The groups of one input. The ranges of numbers are fifths of the first values; missing values come last."""

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

    def __len__(self) -> int:
        return self._size + 1

    def place(self, column: Vector) -> NDArray[np.int64]:
        """The number of each value's group, shape (n,); NaN is missing."""
        is_missing = np.isnan(column)
        known = np.where(is_missing, 0, column)
        codes = np.searchsorted(self.edges, known, side="right") if not self._is_coded else known.astype(np.int64)
        return np.where(is_missing, self._size, codes)

    def says_something(self, number: int) -> bool:
        """Whether a group is not simply all known values, as it is of numbers without ranges."""
        return number == self._size or self._is_coded or bool(self.edges)

    def describe(self, number: int) -> dict[str, Any]:
        """A group's `low` and `high`, or its `value`, or that it `is_other`; of missing values, nothing."""
        if number == self._size:
            return {}
        if isinstance(self.feature, Boolean):
            return {"value": "true" if number else "false"}
        if isinstance(self.feature, Category):
            choices = self.feature.choices
            return {"value": choices[number]} if number < len(choices) else {"is_other": True}
        ends = [None, *self.edges, None]
        return {"low": ends[number], "high": ends[number + 1]}

    @property
    def _is_coded(self) -> bool:
        return isinstance(self.feature, Boolean | Category)
