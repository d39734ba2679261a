"""The profile of the training data that a version keeps: what its charts are drawn from."""

from collections.abc import Mapping
from typing import Any

import msgspec

from predictor.schema.values import Label


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """How the training target is distributed: the number of rows in each bin or, of classes, of each class.

    The bins are equally wide, from `low` to `high` in the target's own unit; rows beyond them are not counted.
    """

    counts: tuple[int, ...]
    low: float = 0.0
    high: float = 0.0

    @property
    def rows(self) -> int:
        return sum(self.counts)

    @property
    def edges(self) -> list[float]:
        """The ends of the bins, one more than there are bins."""
        width = (self.high - self.low) / len(self.counts)
        return [self.low + i * width for i in range(len(self.counts))] + [self.high]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The training data in two dimensions, and its target alone."""

    # The names of the two columns that are drawn; empty where the model has none.
    axes: tuple[str, ...] = ()
    # Points (x, prediction) of a regression on one number, over the range seen in training.
    curve: tuple[tuple[float, float], ...] = ()
    # Training rows, where the recipe shows them: both numbers and, of a classification, the class.
    points: tuple[tuple[float, float, Label | None], ...] = ()
    # Of the training target; former builds stored none.
    target: Distribution | msgspec.UnsetType = msgspec.UNSET


def read_profile(stored: Mapping[str, Any]) -> Profile:
    """Read a stored profile; empty where nothing was stored."""
    return msgspec.convert(stored, Profile)
