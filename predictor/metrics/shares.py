"""Intervals of shares."""

from math import sqrt

# Of a 95 % interval of the normal distribution.
DEVIATIONS = 1.959963984540054


def find_share_interval(count: int, rows: int) -> tuple[float, float]:
    """The 95 % interval of a share of `rows`, rows ≥ 1.

    The score interval (Wilson 1927, "Probable inference, the law of succession, and statistical inference").
    """
    share, square = count / rows, DEVIATIONS**2
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    radius = DEVIATIONS / (1 + square / rows) * sqrt(share * (1 - share) / rows + square / (4 * rows**2))
    return max(0.0, middle - radius), min(1.0, middle + radius)
