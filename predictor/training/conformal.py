"""Finds how far a regression's predictions are from the true values, for the interval that pages show."""

import math
from typing import Any

import numpy as np

from predictor.record.interval import (
    LARGEST_LOG_RADIUS,
    ConstantInterval,
    LogInterval,
    MeasuredInterval,
    ScaledInterval,
)
from predictor.schema.values import Vector
from predictor.training.evaluation import HOLD_OUT, Evaluation
from predictor.training.quantile import COVERAGE, find_quantile
from predictor.training.recipe import TargetTransform
from predictor.training.spread import Spread


def measure_interval(
    evaluation: Evaluation, *, transform: TargetTransform | None = None, spread: Spread | None = None
) -> MeasuredInterval | None:
    """Describe a regression's 90 % interval; None where too few rows were measured, or its width is not finite.

    The scores of a row are |y − ŷ| (Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, "Distribution-free
    predictive inference for regression", section 2.2); with a `spread`, |y − ŷ| / σ(ŷ) (the same, section 5.2;
    Papadopoulos, Proedrou, Vovk and Gammerman 2002, "Inductive confidence machines for regression"); with a
    logarithm of the target, |log y − log ŷ|. Neither was chosen on the measured rows where these are the hold-out.
    Out-of-fold predictions come from other models than the served one: then the coverage is only approximate.
    """
    actual, predicted = evaluation.actual, evaluation.predictions.predicted
    is_approximate = evaluation.method != HOLD_OUT
    measured: dict[str, Any] = {
        "rows": evaluation.rows,
        "approximate": is_approximate,
        "coverage": COVERAGE,
        "method": evaluation.method,
    }
    quantile = find_quantile(_score_rows(actual, predicted, transform, spread))
    if quantile is None or not math.isfinite(quantile):
        return None
    if transform == "log":
        return LogInterval(log_radius=quantile, **measured) if quantile <= LARGEST_LOG_RADIUS else None
    if spread is not None:
        return ScaledInterval(quantile=quantile, floor=spread.floor, power=spread.power, **measured)
    return ConstantInterval(radius=quantile, **measured)


def _score_rows(actual: Vector, predicted: Vector, transform: TargetTransform | None, spread: Spread | None) -> Vector:
    """The conformity score of each row, shape (n,)."""
    if transform == "log":
        with np.errstate(divide="ignore"):  # A prediction that underflows to 0 is infinitely far on this scale.
            return np.abs(np.log(actual) - np.log(predicted))
    residuals = np.abs(actual - predicted)
    return residuals if spread is None else residuals / spread.measure(predicted)
