"""Decides from pairs of rates, or of errors, whether one side is worse than the other."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap, t

CONFIDENCE = 0.95
RESAMPLES = 9_999
LEAST_RATIO = 0.97
MOST_WIDTH = 0.06


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two sides compared: `ours` and `theirs` in answers/s (medians), the median `ratio` with its 95 % interval."""

    ours: float
    theirs: float
    ratio: float
    lower: float
    upper: float

    @property
    def is_slower(self) -> bool:
        return self.upper < LEAST_RATIO

    @property
    def verdict(self) -> str:
        """`slower`, `proves nothing` (the interval is wider than 6 points) or `holds`."""
        if self.is_slower:
            return "slower"
        return "proves nothing" if self.upper - self.lower > MOST_WIDTH else "holds"


def compare_rates(ours: Sequence[float], theirs: Sequence[float]) -> Comparison:
    """Compare rates, in answers/s, that were measured pair by pair; raises ValueError where one of theirs is 0.

    The interval of the median ratio is that of the percentile bootstrap over 9,999 resamples of the pairs (Efron and
    Tibshirani 1993, An Introduction to the Bootstrap, section 13.3), with a fixed seed.
    """
    if not all(theirs):
        raise ValueError("a rate of 0 answers/s cannot be compared with")
    ratios = np.divide(ours, theirs)
    random = np.random.default_rng(0)
    found = bootstrap(
        (ratios,), np.median, n_resamples=RESAMPLES, confidence_level=CONFIDENCE, method="percentile", rng=random
    )
    lower, upper = found.confidence_interval
    return Comparison(
        ours=statistics.median(ours),
        theirs=statistics.median(theirs),
        ratio=float(np.median(ratios)),
        lower=float(lower),
        upper=float(upper),
    )


def compare_errors(ours: Sequence[float], theirs: Sequence[float], folds: int) -> tuple[float, float, float]:
    """The ratio of two sides' mean errors, measured on the same folds, and the ends of its 95 % interval.

    It is the t-interval of the logarithms of each fold's ratio. Their variance is corrected for folds that share
    training rows: of `folds` parts, one is tested and the others are trained on (Nadeau and Bengio 2003, "Inference for
    the generalization error", section 4).
    """
    logarithms = np.log(np.divide(ours, theirs))
    spread = np.sqrt(logarithms.var(ddof=1) * (1 / len(logarithms) + 1 / (folds - 1)))
    reach = float(np.exp(t.ppf((1 + CONFIDENCE) / 2, len(logarithms) - 1) * spread))
    ratio = statistics.fmean(ours) / statistics.fmean(theirs)
    return ratio, ratio / reach, ratio * reach
