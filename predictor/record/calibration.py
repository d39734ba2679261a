"""Measures how often classes occur, compared with their predicted probabilities."""

from typing import TYPE_CHECKING

from predictor.record.charts import CalibrationCurve, CalibrationPoint
from predictor.schema.values import Label, Mask, Matrix, Vector

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS_A_BIN, MOST_BINS, MOST_CURVES = 10, 10, 10
DIGITS = 6


def measure_calibration(
    classes: "Sequence[Label]", actual: Vector, probabilities: Matrix
) -> tuple[CalibrationCurve, ...]:
    """The curve of each class that some of n rows are of and others not; for two classes, only the second one's.

    `actual` has shape (n,) and contains positions in `classes`; `probabilities` has shape (n, classes).
    """
    # One class against the rest needs rows of both; for two classes, one curve is enough.
    codes = [code for code in range(len(classes)) if 0 < (actual == code).sum() < len(actual)]
    codes = codes[-1:] if len(classes) == 2 else codes
    return tuple(
        CalibrationCurve(label=classes[code], points=_bin_rows(actual == code, probabilities[:, code]))
        for code in codes
    )


def _bin_rows(occurred: Mask, predicted: Vector) -> tuple[CalibrationPoint, ...]:
    """Bins between quantiles of the predicted probabilities, without those that are empty."""
    import numpy as np

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
