"""Takes from an evaluation what pages draw themselves: predicted against true values, and calibration."""

from predictor.record.calibration import MOST_CURVES, measure_calibration
from predictor.record.charts import CalibrationCurve, ReportCharts
from predictor.schema.target import Target
from predictor.training.evaluation import Evaluation
from predictor.training.reports.figures import MOST_CURVE_ROWS, explain_hidden_rows
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
    return measure_calibration(target.classes, actual, probabilities)


def _shorten(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
