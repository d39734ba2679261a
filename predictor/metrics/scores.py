"""Scores of predictions, compared with the true values of the target."""

import sys

import numpy as np

from predictor.schema.values import Matrix, Vector

# A probability of exactly 0 for the true class would make the log loss infinite.
SMALLEST_PROBABILITY = sys.float_info.epsilon


def score_regression(actual: Vector, predicted: Vector) -> dict[str, float]:
    """Compute MAE and RMSE in the target's unit, and R² = 1 − Σ(y−ŷ)² / Σ(y−ȳ)².

    Both arguments have shape (n,), n ≥ 1. R² is left out where the true values do not vary.
    """
    residuals = actual - predicted
    # The caller checks for infinite scores.
    with np.errstate(over="ignore"):
        scores = {"mae": float(np.abs(residuals).mean()), "rmse": float(np.sqrt((residuals**2).mean()))}
    spread = float(((actual - actual.mean()) ** 2).sum())
    # The mean of equal numbers may differ from them in the last bit, so the spread alone is not enough.
    if spread > 0 and actual.min() < actual.max():
        scores["r2"] = 1 - float((residuals**2).sum()) / spread
    return scores


def score_classification(actual: Vector, predicted: Vector, probabilities: "Matrix | None" = None) -> dict[str, float]:
    """Compute accuracy, macro-F1 and, with probabilities, the log loss in nats.

    `actual` and `predicted` hold class codes, shape (n,), n ≥ 1; `probabilities` has shape (n, classes).
    Macro-F1 is the mean over the classes that occur in either, a class never hit counting 0 (Sokolova and
    Lapalme 2009, table 3). The log loss clips at float64's epsilon, as scikit-learn does.
    """
    scores = {"accuracy": float((actual == predicted).mean()), "macro_f1": _score_macro_f1(actual, predicted)}
    if probabilities is not None:
        chosen = probabilities[np.arange(len(actual)), actual.astype(int)]
        clipped = np.clip(chosen, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        scores["log_loss"] = float(-np.log(clipped).mean())
    return scores


def score_intervals(actual: Vector, low: Vector, high: Vector, *, coverage: float) -> float:
    """The mean interval score, in the target's unit; less is better.

    All three have shape (n,), n ≥ 1. A row's score is the width of its interval plus 2 / (1 − coverage) times the
    distance of the true value from it (Gneiting and Raftery 2007, "Strictly proper scoring rules, prediction, and
    estimation", equation 43).
    """
    beyond = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    return float((high - low + 2 / (1 - coverage) * beyond).mean())


def _score_macro_f1(actual: Vector, predicted: Vector) -> float:
    scores = []
    for code in np.union1d(actual, predicted):
        hits = int(((actual == code) & (predicted == code)).sum())
        scores.append(2 * hits / (int((actual == code).sum()) + int((predicted == code).sum())))
    return float(np.mean(scores))
