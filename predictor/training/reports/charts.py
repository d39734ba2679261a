"""Takes from an evaluation what pages draw themselves: predicted against true values, and calibration."""

import numpy as np

from predictor.record.charts import CalibrationCurve, CalibrationPoint, ReportCharts
from predictor.schema.target import Target
from predictor.schema.values import Vector
from predictor.training.evaluation import Evaluation
from predictor.training.reports.figures import (
    MOST_BINS,
    MOST_CURVE_ROWS,
    MOST_CURVES,
    ROWS_A_BIN,
    explain_hidden_rows,
)
from predictor.training.reports.profile import choose_rows

MOST_POINTS = 300
DIGITS = 6


def take_charts(target: Target, evaluation: Evaluation, *, show_data: bool, seed: int) -> ReportCharts:
    """Take at most 300 rows' true and predicted values, or the calibration of at most 10 classes on 10,000 rows.

    Where the report's figures leave a chart out, so does this, and the report has the cause.
    """
    if target.task == "classification":
        return ReportCharts(calibration=_measure_calibration(target, evaluation, seed))
    if explain_hidden_rows(evaluation, show_data=show_data):
        return ReportCharts()
    rows = choose_rows(evaluation.rows, MOST_POINTS, seed)
    pairs = zip(evaluation.actual[rows].tolist(), evaluation.predictions.predicted[rows].tolist(), strict=True)
    return ReportCharts(scatter=tuple((_shorten(actual), _shorten(predicted)) for actual, predicted in pairs))


def _measure_calibration(target: Target, evaluation: Evaluation, seed: int) -> tuple[CalibrationCurve, ...]:
    probabilities = evaluation.predictions.probabilities
    if probabilities is None or len(target.classes) > MOST_CURVES:
        return ()
    rows = choose_rows(evaluation.rows, MOST_CURVE_ROWS, seed)
    actual, probabilities = evaluation.actual[rows], probabilities[rows]
    # One class against the rest needs rows of both; for two classes, one curve is enough.
    codes = [code for code in range(len(target.classes)) if 0 < (actual == code).sum() < len(actual)]
    codes = codes[-1:] if len(target.classes) == 2 else codes
    return tuple(
        CalibrationCurve(label=target.classes[code], points=_bin_rows(actual == code, probabilities[:, code]))
        for code in codes
    )


def _bin_rows(occurred: Vector, predicted: Vector) -> tuple[CalibrationPoint, ...]:
    """Bins between quantiles of the predicted probabilities, without those that are empty."""
    bins = max(2, min(MOST_BINS, len(predicted) // ROWS_A_BIN))
    edges = np.quantile(predicted, np.linspace(0, 1, bins + 1)[1:-1])
    places = np.searchsorted(edges, predicted)
    return tuple(
        CalibrationPoint(
            predicted=_shorten(predicted[inside].mean()),
            share=_shorten(occurred[inside].mean()),
            rows=int(inside.sum()),
        )
        for inside in (places == place for place in range(bins))
        if inside.any()
    )


def _shorten(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
