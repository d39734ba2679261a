"""How a table differs from the one that the last version was trained on, as stored with a version."""

from typing import Literal

import msgspec

from predictor.schema.values import Label

# Columns are inputs, but "missing" and categories are also found of the target.
Code = Literal["added", "removed", "kind", "missing", "range", "new categories", "lost categories", "rows"]


class DataChange(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `before` and `now` are kinds, shares of rows, numbers of rows, or (low, high) as encoded.

    A column that was added has only `now`, its kind; one that was removed only `before`.
    """

    code: Code
    column: str = ""
    before: str | float | tuple[float, float] | None = None
    now: str | float | tuple[float, float] | None = None
    categories: tuple[Label, ...] = ()


class DataChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The differences from the table of one version; none where it is as that one was."""

    version: int
    changes: tuple[DataChange, ...] = ()
