"""The 90 % interval of a regression's predictions, as a version stores it and as it is signed.

A constant interval is stored as former builds store it. The other kinds have no `radius`, which former builds require:
such a build refuses a version with one of them, and never serves it with a wrong interval.
"""

import math
import sys
from typing import Annotated, TypeVar

import msgspec

from predictor.schema.values import Vector

Numbers = TypeVar("Numbers", float, Vector)
Size = Annotated[float, msgspec.Meta(ge=0, le=sys.float_info.max)]
# e to this power is still a finite float64.
LARGEST_LOG_RADIUS = 700.0


class MeasuredInterval(msgspec.Struct, frozen=True, kw_only=True):
    """An interval that was measured on `rows` rows.

    It is `approximate` where models other than the one that predicts were measured.
    """

    rows: Annotated[int, msgspec.Meta(ge=0)]
    approximate: bool
    # How often such an interval contains the true value.
    coverage: float = 0.9
    # As `Measurement.method`.
    method: str = ""

    def find_ends(self, prediction: float) -> tuple[float, float]:
        """The ends of the interval of one prediction, in the target's unit; they may be infinite or NaN."""
        raise NotImplementedError

    def place_around(
        self, prediction: float, minimum: float = -math.inf, maximum: float = math.inf
    ) -> tuple[float, float] | None:
        """The interval of one prediction within the limits of all, in the target's unit; None without finite ends."""
        low, high = self.find_ends(prediction)
        low, high = max(low, minimum), min(high, maximum)
        return (low, high) if math.isfinite(high - low) else None

    def find_all_ends(self, predictions: Vector) -> tuple[Vector, Vector]:
        """As `find_ends`, to the bit, for predictions of shape (n,)."""
        import numpy as np

        low, high = np.array([self.find_ends(prediction) for prediction in predictions.tolist()]).reshape(-1, 2).T
        return low, high

    def place_around_all(
        self, predictions: Vector, minimum: float = -math.inf, maximum: float = math.inf
    ) -> tuple[Vector, Vector]:
        """As `place_around` for predictions of shape (n,): their lower and upper ends, NaN without finite ends."""
        import numpy as np

        with np.errstate(over="ignore", invalid="ignore"):
            low, high = self.find_all_ends(predictions)
            low, high = np.where(low < minimum, minimum, low), np.where(high > maximum, maximum, high)
            is_finite = np.isfinite(high - low)
        return np.where(is_finite, low, np.nan), np.where(is_finite, high, np.nan)


class ConstantInterval(MeasuredInterval, frozen=True, kw_only=True):
    """The prediction ± `radius`, in the target's unit."""

    radius: Size

    def find_ends(self, prediction: Numbers) -> tuple[Numbers, Numbers]:
        return prediction - self.radius, prediction + self.radius

    def find_all_ends(self, predictions: Vector) -> tuple[Vector, Vector]:
        return self.find_ends(predictions)


class ScaledInterval(MeasuredInterval, frozen=True, kw_only=True, tag_field="kind", tag="scaled"):
    """The prediction ŷ ± `quantile` · max(|ŷ|, `floor`)^`power`, in the target's unit."""

    quantile: Size
    floor: Annotated[float, msgspec.Meta(gt=0, le=sys.float_info.max)]
    power: Annotated[float, msgspec.Meta(gt=0, le=1)]

    def find_ends(self, prediction: float) -> tuple[float, float]:
        radius = self.quantile * max(abs(prediction), self.floor) ** self.power
        return prediction - radius, prediction + radius


class LogInterval(MeasuredInterval, frozen=True, kw_only=True, tag_field="kind", tag="log"):
    """log ŷ ± `log_radius` transformed back: the prediction, which is above 0, divided and multiplied by a factor."""

    log_radius: Annotated[float, msgspec.Meta(ge=0, le=LARGEST_LOG_RADIUS)]

    def find_ends(self, prediction: Numbers) -> tuple[Numbers, Numbers]:
        factor = math.exp(self.log_radius)
        return prediction / factor, prediction * factor

    def find_all_ends(self, predictions: Vector) -> tuple[Vector, Vector]:
        return self.find_ends(predictions)


# By the `kind` that is stored; a constant interval has none.
KINDS: dict[object, type[MeasuredInterval]] = {None: ConstantInterval, "scaled": ScaledInterval, "log": LogInterval}


def read_interval(stored: object) -> MeasuredInterval | None:
    """Read what a version stores; None where it has no interval. Raises ValueError for anything else."""
    kind = stored.get("kind") if isinstance(stored, dict) else None
    if not (kind is None or (isinstance(kind, str) and kind in KINDS)):
        raise ValueError(f"its interval cannot be read: this build does not know the kind {kind!r}")
    try:
        return msgspec.convert(stored, KINDS[kind] | None)
    except msgspec.ValidationError as error:
        raise ValueError(f"its interval cannot be read: {error}") from error
