"""Which rows a version holds out, as stored with it."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """A row is held out depending on its hash."""

    # The features whose values are hashed, sorted.
    names: tuple[str, ...] = ()
    # The share of rows held out; None where the rows that the model was trained on are unknown.
    share: float | None = None
    # By feature, how its values are made canonical before they are hashed: what is missing, which spellings are merged,
    # the format of dates and times, and their zone where their numbers depend on it. It is stored only where there are
    # such features.
    canonical: dict[str, dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET


def read_split(stored: Mapping[str, Any]) -> Split:
    """Read a stored split; with defaults for what an earlier build did not store."""
    return msgspec.convert(stored, Split)
