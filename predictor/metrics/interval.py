"""How far a figure would move on other rows of the same kind."""

import msgspec


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A 95 % percentile interval of a resampled difference in loss; above 0, the challenger has less."""

    low: float
    high: float
