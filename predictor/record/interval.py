"""The 90 % interval of a regression's predictions, as a version stores it and as it is signed."""

import math
import sys
from typing import Annotated

import msgspec


class MeasuredInterval(msgspec.Struct, frozen=True, kw_only=True):
    """The interval is the prediction ± `radius`, in the target's unit.

    It was measured on `rows` rows; `approximate` where models other than the one that predicts were measured.
    """

    radius: Annotated[float, msgspec.Meta(ge=0, le=sys.float_info.max)]
    rows: Annotated[int, msgspec.Meta(ge=0)]
    approximate: bool
    # How often such an interval contains the true value.
    coverage: float = 0.9
    # As `Measurement.method`.
    method: str = ""

    def place_around(
        self, prediction: float, minimum: float = -math.inf, maximum: float = math.inf
    ) -> tuple[float, float] | None:
        """The interval of one prediction within the limits of all, in the target's unit; None without finite ends."""
        low, high = max(prediction - self.radius, minimum), min(prediction + self.radius, maximum)
        return (low, high) if math.isfinite(high - low) else None


def read_interval(stored: object) -> MeasuredInterval | None:
    """Read what a version stores; None where it has no interval. Raises ValueError for anything else."""
    try:
        return msgspec.convert(stored, MeasuredInterval | None)
    except msgspec.ValidationError as error:
        raise ValueError(f"its interval cannot be read: {error}") from error
