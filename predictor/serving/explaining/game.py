"""The game whose Shapley values explain an answer: its players are the inputs of one row, against a background."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from predictor.schema.table import Inputs, Table, get_matrix
from predictor.schema.values import Mask, Vector

Positions: TypeAlias = NDArray[np.int64]
TIMED, TIMES = 16, 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Hybrids:
    """Mixes the inputs of one row with those of each background row.

    `row` has one row, `background` any number; both have a column for each feature.
    """

    row: Inputs
    background: Inputs

    @property
    def features(self) -> int:
        return get_matrix(self.row).shape[1]

    def mix(self, is_own: Mask, of: Positions) -> Inputs:
        """Rows with the row's own inputs where `is_own`, shape (n, features), and else those of background row `of`."""
        matrix = np.where(is_own, get_matrix(self.row), get_matrix(self.background)[of])
        if not (isinstance(self.row, Table) and isinstance(self.background, Table)):
            return matrix
        texts = {
            column: np.where(is_own[:, column], own, self.background.texts[column][of])
            for column, own in self.row.texts.items()
        }
        return Table(matrix=matrix, texts=texts)

    @cached_property
    def differs(self) -> Mask:
        """Which features differ between the row and each background row, shape (rows, features)."""
        own, others = get_matrix(self.row), get_matrix(self.background)
        differs: Mask = (own != others) & ~(np.isnan(own) & np.isnan(others))
        if isinstance(self.row, Table) and isinstance(self.background, Table):
            for column, text in self.row.texts.items():
                differs[:, column] = self.background.texts[column] != text
        return differs


@dataclass(frozen=True, kw_only=True, eq=False)
class Game:
    """What is explained of hybrids: `measure` takes n of them and returns numbers of shape (n,)."""

    hybrids: Hybrids
    measure: Callable[[Inputs], Vector]

    @property
    def rows(self) -> int:
        return len(self.hybrids.background)

    @cached_property
    def players(self) -> Positions:
        """The features that differ from any background row; all others have nothing to do with the answer."""
        return np.flatnonzero(self.hybrids.differs.any(axis=0))

    @cached_property
    def value(self) -> float:
        """What is explained, for the row itself."""
        return float(self.measure(self.hybrids.row)[0])

    @cached_property
    def base_values(self) -> Vector:
        """The same for each row of the background."""
        return self.measure(self.hybrids.background)

    @property
    def base(self) -> float:
        return float(self.base_values.mean())

    @cached_property
    def seconds_a_row(self) -> float:
        """How long the model takes for a row, as long a text as it has: the least of a few, since others work too."""
        is_own, of = np.ones((TIMED, self.hybrids.features), dtype=bool), np.zeros(TIMED, dtype=np.int64)
        taken = []
        for _ in range(TIMES):
            started = time.perf_counter()
            self.play(is_own, of)
            taken.append(time.perf_counter() - started)
        return min(taken) / TIMED

    def play(self, is_own: Mask, of: Positions) -> Vector:
        """What is explained of hybrids, as `Hybrids.mix` makes them."""
        return self.measure(self.hybrids.mix(is_own, of))
