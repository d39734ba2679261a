"""What a model is worth, from its answers and the truth, and how people are shown it.

numpy is imported where it is used: every command loads this module for the names alone.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from predictor.formats import MISSING, Quantity, format_number
from predictor.schema import Matrix, Vector

# A probability of exactly 0 for what then happened would make the log loss infinite.
SMALLEST_PROBABILITY = sys.float_info.epsilon
LABELS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
}


IN_TARGET_UNIT = frozenset({"mae", "rmse"})
# At most 1, so that what is far smaller is nothing.
SHARES = frozenset({"r2", "accuracy", "macro_f1"})


@dataclass(frozen=True, kw_only=True)
class WrittenScore:
    """A metric's label with its score, 95 % interval and the baseline's score, as people write them; “–” for none."""

    label: str
    score: str
    interval: str
    baseline: str


def describe_scale(metric: str, unit: str = "") -> Quantity:
    """How scores by a metric are written: with 4 significant digits, those in the target's unit with `unit`."""
    own_unit, most_decimals = unit if metric in IN_TARGET_UNIT else "", 4 if metric in SHARES else None
    return Quantity(unit=own_unit, digits=4, most_decimals=most_decimals)


def format_score(metric: str, score: float | None, unit: str = "") -> str:
    """Write a score by a metric of a target in this unit; a dash for none."""
    return str(describe_scale(metric, unit).write(score))


def write_scores(metrics: Mapping[str, Any], unit: str) -> list[WrittenScore]:
    """Write what a version keeps of its metrics, in a fixed order, which PostgreSQL's JSON does not keep."""
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


def describe_comparison(decision: Mapping[str, Any], unit: str = "") -> list[str]:
    """Tell what a decision was taken on: scores side by side, gains with 95 % intervals, rows left out.

    `unit` is the target's. Empty where there was nothing to compare with.
    """
    if not decision.get("rows"):
        return []
    champion = f"version {decision['champion']}"
    scores = {"this version": "challenger_score", champion: "champion_score", "the baseline": "baseline_score"}
    metric = decision["metric"]
    side_by_side = ", ".join(f"{who} {format_score(metric, decision[key], unit)}" for who, key in scores.items())
    gains = {champion: decision["gain"], "the baseline": decision["gain_over_baseline"]}
    left_out = [f"{format_number(decision['left_out'])} rows left out, which one of the two cannot score"]
    return [
        f"{LABELS[metric]} on {format_number(decision['rows'])} rows: {side_by_side}",
        *(
            f"gain over {who}, 95 % interval: {describe_scale(metric, unit).write_range(gain['low'], gain['high'])}"
            for who, gain in gains.items()
        ),
        *(left_out if decision["left_out"] else []),
    ]


def score_regression(actual: Vector, predicted: Vector) -> dict[str, float]:
    """Give MAE and RMSE in the target's unit, and R² = 1 − Σ(y−ŷ)² / Σ(y−ȳ)².

    Both arguments have shape (n,), n ≥ 1. R² is left out where the truth does not vary.
    """
    import numpy as np

    residuals = actual - predicted
    # Scores beyond all bounds are for the caller to find.
    with np.errstate(over="ignore"):
        scores = {"mae": float(np.abs(residuals).mean()), "rmse": float(np.sqrt((residuals**2).mean()))}
    spread = float(((actual - actual.mean()) ** 2).sum())
    # The mean of equal numbers may be a last bit away from them, so that the spread alone does not tell.
    if spread > 0 and actual.min() < actual.max():
        scores["r2"] = 1 - float((residuals**2).sum()) / spread
    return scores


def score_classification(actual: Vector, predicted: Vector, probabilities: "Matrix | None" = None) -> dict[str, float]:
    """Give accuracy, macro-F1 and, with probabilities, the log loss in nats.

    `actual` and `predicted` hold class codes, shape (n,), n ≥ 1; `probabilities` has shape (n, classes).
    Macro-F1 is the mean over the classes that occur in either, a class never hit counting 0 (Sokolova and
    Lapalme 2009, table 3). The log loss clips at float64's epsilon, as scikit-learn does.
    """
    import numpy as np

    scores = {"accuracy": float((actual == predicted).mean()), "macro_f1": _score_macro_f1(actual, predicted)}
    if probabilities is not None:
        chosen = probabilities[np.arange(len(actual)), actual.astype(int)]
        clipped = np.clip(chosen, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        scores["log_loss"] = float(-np.log(clipped).mean())
    return scores


def _score_macro_f1(actual: Vector, predicted: Vector) -> float:
    import numpy as np

    scores = []
    for code in np.union1d(actual, predicted):
        hits = int(((actual == code) & (predicted == code)).sum())
        scores.append(2 * hits / (int((actual == code).sum()) + int((predicted == code).sum())))
    return float(np.mean(scores))
