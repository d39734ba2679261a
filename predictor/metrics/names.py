"""Metrics by name: those of each task, and the format of their scores. Without numpy: every command imports it."""

from typing import Literal

from predictor.formats import Quantity
from predictor.languages import gettext, gettext_noop
from predictor.schema.kinds import Task

Metric = Literal["rmse", "mae", "log_loss", "accuracy"]
LABELS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
    "accuracy": gettext_noop("accuracy"),
    "macro_f1": gettext_noop("macro F1"),
    "log_loss": gettext_noop("log loss"),
}
MEASURED: dict[Task, tuple[str, ...]] = {
    "regression": ("mae", "rmse", "r2"),
    "classification": ("accuracy", "macro_f1", "log_loss"),
}
METRICS: dict[Task, tuple[Metric, ...]] = {"regression": ("rmse", "mae"), "classification": ("log_loss", "accuracy")}
IN_TARGET_UNIT = frozenset({"mae", "rmse"})
# At most 1, so that differences far below are negligible.
SHARES = frozenset({"r2", "accuracy", "macro_f1"})


def name_metric(metric: str) -> str:
    """A metric's name in the current language."""
    return gettext(LABELS[metric])


def describe_scale(metric: str, unit: str = "") -> Quantity:
    """The format of a metric's scores: 4 significant digits, and `unit` where they are in the target's."""
    own_unit, most_decimals = unit if metric in IN_TARGET_UNIT else "", 4 if metric in SHARES else None
    return Quantity(unit=own_unit, digits=4, most_decimals=most_decimals)


def format_score(metric: str, score: float | None, unit: str = "") -> str:
    """Format a metric's score, for a target with this unit; a dash for none."""
    return str(describe_scale(metric, unit).write(score))
