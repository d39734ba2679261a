"""Metrics by name: those of each task, and the format of their scores. Without numpy: every command imports it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from predictor.formats import MISSING, Quantity
from predictor.schema.kinds import Task

Metric = Literal["rmse", "mae", "log_loss", "accuracy"]
LABELS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
}
MEASURED: dict[Task, tuple[str, ...]] = {
    "regression": ("mae", "rmse", "r2"),
    "classification": ("accuracy", "macro_f1", "log_loss"),
}
METRICS: dict[Task, tuple[Metric, ...]] = {"regression": ("rmse", "mae"), "classification": ("log_loss", "accuracy")}
IN_TARGET_UNIT = frozenset({"mae", "rmse"})
# At most 1, so that differences far below are negligible.
SHARES = frozenset({"r2", "accuracy", "macro_f1"})


@dataclass(frozen=True, kw_only=True)
class WrittenScore:
    """A metric's label with its score, 95 % interval and the baseline's score, formatted for people; “–” for none."""

    label: str
    score: str
    interval: str
    baseline: str


def describe_scale(metric: str, unit: str = "") -> Quantity:
    """The format of a metric's scores: 4 significant digits, and `unit` where they are in the target's."""
    own_unit, most_decimals = unit if metric in IN_TARGET_UNIT else "", 4 if metric in SHARES else None
    return Quantity(unit=own_unit, digits=4, most_decimals=most_decimals)


def format_score(metric: str, score: float | None, unit: str = "") -> str:
    """Format a metric's score, for a target with this unit; a dash for none."""
    return str(describe_scale(metric, unit).write(score))


def write_scores(metrics: Mapping[str, Any], unit: str) -> list[WrittenScore]:
    """Format a version's stored metrics in a fixed order, which PostgreSQL's JSON does not keep."""
    scores, baseline, intervals = metrics["scores"], metrics["baseline"], metrics.get("intervals", {})
    return [
        WrittenScore(
            label=label,
            score=format_score(name, scores[name], unit),
            interval=str(describe_scale(name, unit).write_range(*intervals[name])) if name in intervals else MISSING,
            baseline=format_score(name, baseline.get(name), unit),
        )
        for name, label in LABELS.items()
        if name in scores
    ]
