"""Finds how far a regression's predictions lie from the true values, for the interval that pages show around them."""

import math

import numpy as np

from predictor.record.interval import MeasuredInterval
from predictor.schema.values import Vector
from predictor.training.evaluation import HOLD_OUT, Evaluation

COVERAGE = 0.9


def find_radius(residuals: Vector, coverage: float = COVERAGE) -> float | None:
    """The half width, in the target's unit, of an interval that covers a new row's truth with this probability.

    `residuals` has shape (n,): truth minus answer for rows that were not learnt. The radius is the one of rank
    ⌈coverage · (n + 1)⌉ among their absolute values; None where n is too small for that rank, for 0.9 below 9.
    Split conformal prediction (Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, "Distribution-free predictive
    inference for regression", section 2.2): it holds on average over rows that come as the measured ones did,
    whatever the model.
    """
    # 0.9 is a little more than nine tenths in binary: 0.9 · 10 must stay rank 9.
    rank = math.ceil(round(coverage * (len(residuals) + 1), 9))
    if rank > len(residuals):
        return None
    return float(np.partition(np.abs(residuals), rank - 1)[rank - 1])


def measure_interval(evaluation: Evaluation) -> MeasuredInterval | None:
    """Describe a regression's 90 % interval; None where too few rows were measured.

    Out-of-fold predictions come from other models than the one that serves: then the coverage is only approximate.
    """
    radius = find_radius(evaluation.actual - evaluation.predictions.predicted)
    if radius is None or not math.isfinite(radius):
        return None
    return MeasuredInterval(
        coverage=COVERAGE,
        radius=radius,
        rows=evaluation.rows,
        method=evaluation.method,
        approximate=evaluation.method != HOLD_OUT,
    )
