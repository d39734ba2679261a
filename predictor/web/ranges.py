"""The range of a number that was seen in training, as the thin bar under its input."""

import msgspec

from predictor.formats import Quantity
from predictor.schema.kinds import Feature, Integer, Number


class SeenRange(msgspec.Struct, frozen=True, kw_only=True):
    """The ends of a range, as numbers for site.js and as they are written."""

    low: float
    high: float
    written_low: str
    written_high: str


def find_range(feature: Feature) -> SeenRange | None:
    """The range of a number; None where there is none to draw."""
    if not isinstance(feature, Number | Integer) or not feature.seen or feature.seen[0] >= feature.seen[-1]:
        return None
    low, high = float(feature.seen[0]), float(feature.seen[-1])
    # Without the unit, which the input has. With it, numbers of four digits are grouped, since they are no years.
    quantity = Quantity(unit=feature.unit)
    return SeenRange(low=low, high=high, written_low=quantity.write_alone(low), written_high=quantity.write_alone(high))
