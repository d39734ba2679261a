"""Which rows a version holds out, as it keeps it."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """What decides, by the hash of a row, whether it is held out."""

    # Of the features that the hash is made of, sorted.
    names: tuple[str, ...] = ()
    # Of the rows that are held out; None where it is unknown which rows the model was trained on.
    share: float | None = None


def read_split(stored: Mapping[str, Any]) -> Split:
    """Read what a version keeps of it, empty where that is nothing."""
    return msgspec.convert(stored, Split)
