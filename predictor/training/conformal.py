"""Finds how far a regression's predictions are from the true values, for the interval that pages show."""

import math

import numpy as np

from predictor.record.interval import MeasuredInterval
from predictor.schema.values import Vector
from predictor.training.evaluation import HOLD_OUT, Evaluation

COVERAGE = 0.9


def find_radius(residuals: Vector, coverage: float = COVERAGE) -> float | None:
    """The half width, in the target's unit, of an interval that contains a new row's true value with this probability.

    `residuals` has shape (n,): true value minus prediction, for rows not trained on. The radius is the one of rank
    ⌈coverage · (n + 1)⌉ among their absolute values; None where n is too small for that rank, for 0.9 below 9.
    Split conformal prediction (Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, "Distribution-free predictive
    inference for regression", section 2.2): it holds on average over rows that are
    exchangeable with the measured ones, for any model.
    """
    # In binary, 0.9 is a little more than nine tenths: 0.9 · 10 must remain rank 9.
    rank = math.ceil(round(coverage * (len(residuals) + 1), 9))
    if rank > len(residuals):
        return None
    return float(np.partition(np.abs(residuals), rank - 1)[rank - 1])


def measure_interval(evaluation: Evaluation) -> MeasuredInterval | None:
    """Describe a regression's 90 % interval; None where too few rows were measured.

    Out-of-fold predictions come from other models than the served one: then the coverage is only approximate.
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
