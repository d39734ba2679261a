"""Fits how the size of a regression's residuals grows with its prediction."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from predictor.metrics.scores import score_intervals
from predictor.schema.values import Vector
from predictor.training.quantile import COVERAGE, find_quantile

POWERS = (0.25, 0.5, 0.75, 1.0)
# The floor is the quantile of the sizes of predictions at one of these shares: without one, at 0 there is no width.
FLOOR_SHARES = (0.05, 0.25, 0.5)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """σ(ŷ) = max(|ŷ|, `floor`)^`power`: the size of the residuals of a prediction ŷ, up to a factor."""

    floor: float
    power: float

    def measure(self, predicted: Vector) -> Vector:
        """σ of each prediction, shape (n,)."""
        return np.maximum(np.abs(predicted), self.floor) ** self.power


@dataclass(frozen=True, kw_only=True)
class SpreadFit:
    """The best spread, None where a constant width is better, and how much lower its interval score is, 0 to 1."""

    spread: Spread | None = None
    gain: float = 0.0


# A score that overflows is not finite, and is never the best.
@np.errstate(over="ignore", invalid="ignore")
def fit_spread(actual: Vector, predicted: Vector) -> SpreadFit:
    """Fit σ to out-of-fold predictions of training rows; both arguments have shape (n,), in the target's unit.

    The variance is a power of the mean (Carroll and Ruppert 1988, "Transformation and Weighting in Regression",
    section 3.2). Powers and floors are tried, and the least mean interval score at the same coverage is best.
    """
    sizes, residuals = np.abs(predicted), np.abs(actual - predicted)
    floors = [float(np.quantile(sizes, share)) for share in FLOOR_SHARES]
    tried = [Spread(floor=floor, power=power) for floor, power in product(floors, POWERS) if floor > 0]
    constant = _score_spread(actual, predicted, residuals, np.ones_like(predicted))
    if constant is None or not constant or not tried:
        return SpreadFit()
    scores = [_score_spread(actual, predicted, residuals, each.measure(predicted)) for each in tried]
    best, spread = min(((score, i) for i, score in enumerate(scores) if score is not None), default=(constant, 0))
    return SpreadFit(spread=tried[spread], gain=1 - best / constant) if best < constant else SpreadFit()


def _score_spread(actual: Vector, predicted: Vector, residuals: Vector, sigma: Vector) -> float | None:
    quantile = find_quantile(residuals / sigma)
    if quantile is None:
        return None
    score = score_intervals(actual, predicted - quantile * sigma, predicted + quantile * sigma, coverage=COVERAGE)
    return score if np.isfinite(score) else None
