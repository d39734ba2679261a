"""The profile of the training data that a version keeps: the points and the curve of its chart."""

from collections.abc import Mapping
from typing import Any

import msgspec

from predictor.schema.values import Label


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What the training data looked like in two directions."""

    # The names of the two columns that are drawn; empty where the model has none.
    axes: tuple[str, ...] = ()
    # What a regression on one number predicts over the range seen, point by point.
    curve: tuple[tuple[float, float], ...] = ()
    # Training rows, where the recipe shows them: both numbers and, of a classification, the class.
    points: tuple[tuple[float, float, Label | None], ...] = ()


def read_profile(stored: Mapping[str, Any]) -> Profile:
    """Read what a version keeps of it, empty where that is nothing."""
    return msgspec.convert(stored, Profile)
