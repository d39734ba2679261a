"""The profile of the training data that a version keeps: the points and the curve of its chart."""

from collections.abc import Mapping
from typing import Any

import msgspec

from predictor.schema.values import Label


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The training data in two dimensions."""

    # The names of the two columns that are drawn; empty where the model has none.
    axes: tuple[str, ...] = ()
    # Points (x, prediction) of a regression on one number, over the range seen in training.
    curve: tuple[tuple[float, float], ...] = ()
    # Training rows, where the recipe shows them: both numbers and, of a classification, the class.
    points: tuple[tuple[float, float, Label | None], ...] = ()


def read_profile(stored: Mapping[str, Any]) -> Profile:
    """Read a stored profile; empty where nothing was stored."""
    return msgspec.convert(stored, Profile)
