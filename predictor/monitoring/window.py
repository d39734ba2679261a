"""The predictions of one model in a range of time, as columns: what quality, drift and estimation are computed from."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from predictor.schema.schema import Schema
from predictor.schema.table import Inputs, Table, take_rows
from predictor.schema.values import Label, Mask, Matrix, Vector

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Window:
    """The predictions of one model from `since` on to before `until`, in the order of time.

    `total` is how many there are; where they are too many for the memory, a random share of them was read. All is
    encoded by `schema`, that of the live version, also what other versions predicted: `classes` are its classes, and
    after them those that only other versions or outcomes have.
    """

    schema: Schema
    since: datetime
    until: datetime
    total: int
    classes: tuple[Label, ...] = ()
    # Numbers of versions, shape (n,).
    versions: "NDArray[np.int64]"
    # In UTC, datetime64[ms], shape (n,).
    created_at: "NDArray[np.datetime64]"
    # "form", "api" or "csv", shape (n,).
    sources: "NDArray[np.str_]"
    # In the schema's order, shape (n, features), texts next to it; NaN where a value is missing, or the feature is
    # sensitive, whose values are not kept.
    features: Inputs
    # Whether the schema takes the stored inputs, which may be another version's; all NaN where not. Shape (n,).
    fits: Mask
    # Numbers in the target's own unit, or positions in `classes`, shape (n,).
    outputs: Vector
    # Shape (n, classes); None for a regression, and NaN where a version gives none.
    probabilities: "Matrix | None" = None
    # The ends of the 90 % interval; None for classes, and NaN where a version gives none. Shape (n,).
    lower: "Vector | None" = None
    upper: "Vector | None" = None
    # As `outputs`; NaN where no outcome was recorded. Shape (n,).
    outcomes: Vector
    # The queue that asked for the outcome: "random", "uncertain" or "unusual"; empty for none. Shape (n,).
    queues: "NDArray[np.str_] | None" = None

    def __len__(self) -> int:
        return len(self.outputs)

    @property
    def has_outcome(self) -> Mask:
        return ~np.isnan(self.outcomes)

    def is_asked_by(self, *queues: str) -> Mask:
        """Whether the outcome was asked for by one of these queues, shape (n,)."""
        return np.zeros(len(self), dtype=np.bool_) if self.queues is None else np.isin(self.queues, queues)

    @property
    def matrix(self) -> Matrix:
        """The features as numbers; NaN in place of texts."""
        return self.features.matrix if isinstance(self.features, Table) else self.features

    def choose(self, rows: Any) -> "Window":
        """The chosen rows: a slice, positions, or a mask of shape (n,)."""
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        chosen = {name: column[rows] for name, column in columns.items() if isinstance(column, np.ndarray)}
        return replace(self, **{**chosen, "features": take_rows(self.features, rows)})
