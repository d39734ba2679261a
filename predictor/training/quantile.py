"""The quantile of split conformal prediction."""

import math

import numpy as np

from predictor.schema.values import Vector

COVERAGE = 0.9


def find_quantile(scores: Vector, coverage: float = COVERAGE) -> float | None:
    """The score that a new row's does not exceed with this probability.

    `scores`, shape (n,), are of rows not trained on, 0 or more. It is the one of rank ⌈coverage · (n + 1)⌉; None
    where n is too small for that rank, for 0.9 below 9. That holds on average over rows that are exchangeable with
    the measured ones, for any model (Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, "Distribution-free
    predictive inference for regression", section 2.2).
    """
    # In binary, 0.9 is a little more than nine tenths: 0.9 · 10 must remain rank 9.
    rank = math.ceil(round(coverage * (len(scores) + 1), 9))
    if rank > len(scores):
        return None
    return float(np.partition(scores, rank - 1)[rank - 1])
