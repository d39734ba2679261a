"""Checks that a compiled model predicts as its estimator does, row by row."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.formats import format_number
from predictor.schema.table import Inputs, take_rows
from predictor.training.compiling.graph import NotCompiled
from predictor.training.tolerance import TOLERANCE

# An estimator may need much memory a row; a difference is also found earlier.
ROWS_AT_ONCE = 10_000


def measure_difference(fitted: Any, compiled: Any, groups: Sequence[Inputs], *, spread: float | None) -> float:
    """The largest difference between two models' predictions for the rows of all groups.

    For a regression it is |Δ| / max(|y|, `spread`), where `spread` is the target's standard deviation; for a
    classification, `spread` is None, and it is the difference in probability. Raises NotCompiled above 1e-6, for
    another class, and for a row that only one of the two predicts.
    """
    largest = 0.0
    for rows in _cut(groups):
        ours, theirs = (
            _predict(fitted, rows, is_classifier=spread is None),
            _predict(compiled, rows, is_classifier=spread is None),
        )
        if ours.shape != theirs.shape:
            raise NotCompiled("compiled, it has no probabilities, or has them where it should not")
        is_predicted = np.isfinite(ours).all(axis=1)
        if (is_predicted != np.isfinite(theirs).all(axis=1)).any():
            raise NotCompiled("compiled, it refuses other rows")
        largest = max(largest, _compare(ours[is_predicted], theirs[is_predicted], spread))
    return largest


def _compare(ours: NDArray[np.float64], theirs: NDArray[np.float64], spread: float | None) -> float:
    """The largest difference between predictions, each row a number or a class code with its probabilities."""
    if spread is None:
        others = int((ours[:, 0] != theirs[:, 0]).sum())
        if others:
            raise NotCompiled(
                f"compiled, it predicts another class for {format_number(others)} of {format_number(len(ours))} rows"
            )
        differences = np.abs(ours[:, 1:] - theirs[:, 1:])
    else:
        # 0 / 0, where the target is always 0, is no difference.
        differences = np.abs(ours - theirs) / np.maximum(np.maximum(np.abs(ours), spread), np.finfo(np.float64).tiny)
    largest = float(differences.max(initial=0.0))
    if not largest <= TOLERANCE:
        found, allowed = format_number(largest, digits=2), format_number(TOLERANCE)
        raise NotCompiled(f"compiled, its predictions differ by up to {found}, where {allowed} is allowed")
    return largest


def _cut(groups: Sequence[Inputs]) -> Iterator[Inputs]:
    for group in groups:
        for start in range(0, len(group), ROWS_AT_ONCE):
            yield take_rows(group, slice(start, start + ROWS_AT_ONCE))


def _predict(model: Any, rows: Inputs, *, is_classifier: bool) -> NDArray[np.float64]:
    """A model's predictions and probabilities, shape (n, 1 or 1 + classes); NaN where it refuses a row."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            # Preparing texts takes longer than all else, and is done once.
            if is_classifier and hasattr(model, "predict_with_probabilities"):
                codes, probabilities = model.predict_with_probabilities(rows)
            else:
                codes = np.asarray(model.predict(rows), dtype=np.float64)
                has_probabilities = is_classifier and hasattr(model, "predict_proba")
                probabilities = model.predict_proba(rows) if has_probabilities else None
    except ValueError:
        if len(rows) == 1:
            width = 1 + (len(model.classes_) if is_classifier and hasattr(model, "predict_proba") else 0)
            return np.full((1, width), np.nan)
        middle = len(rows) // 2
        halves = [take_rows(rows, half) for half in (slice(None, middle), slice(middle, None))]
        return np.concatenate([_predict(model, half, is_classifier=is_classifier) for half in halves])
    numbers = codes.reshape(len(rows), -1)
    return numbers if probabilities is None else np.hstack([numbers, probabilities])
