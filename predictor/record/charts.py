"""What the charts of a version's report are drawn from, as stored with it."""

import msgspec

from predictor.schema.values import Label


class CalibrationPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Measured rows with similar probabilities of a class."""

    # The mean of their predicted probabilities.
    predicted: float
    # The share of them that was of the class.
    share: float
    # How many they are.
    rows: int


class CalibrationCurve(msgspec.Struct, frozen=True, kw_only=True):
    """How often a class occurred, compared with its predicted probability, the lowest first."""

    label: Label
    points: tuple[CalibrationPoint, ...]


class ReportCharts(msgspec.Struct, frozen=True, kw_only=True):
    """The predictions of a version for rows that it was measured on."""

    # Of a regression, some rows' true and predicted value, in the target's own unit.
    scatter: tuple[tuple[float, float], ...] = ()
    # Of a classification with probabilities; for two classes, only the second one's.
    calibration: tuple[CalibrationCurve, ...] = ()
