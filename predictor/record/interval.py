"""What the 90 % interval of a regression's answer is made of, as a version keeps it and as it is signed."""

import sys
from typing import Annotated

import msgspec


class MeasuredInterval(msgspec.Struct, frozen=True, kw_only=True):
    """An answer's interval goes `radius`, in the target's unit, to either side of it.

    `rows` were measured for that; `approximate` where other models than the one that answers were measured.
    """

    radius: Annotated[float, msgspec.Meta(ge=0, le=sys.float_info.max)]
    rows: Annotated[int, msgspec.Meta(ge=0)]
    approximate: bool
    # How often such an interval holds the true value.
    coverage: float = 0.9
    # On what it was measured, as `Measurement.method`.
    method: str = ""


def read_interval(stored: object) -> MeasuredInterval | None:
    """Read what a version keeps; None where it has no interval. Raises ValueError for anything else."""
    try:
        return msgspec.convert(stored, MeasuredInterval | None)
    except msgspec.ValidationError as error:
        raise ValueError(f"its interval cannot be read: {error}") from error
