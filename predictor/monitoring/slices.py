"""Finds the groups of predictions whose losses are larger than those of all others."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.metrics.losses import score_losses
from predictor.metrics.names import Metric
from predictor.monitoring.losses import Stratum, score_strata
from predictor.monitoring.two_samples import correct_holm
from predictor.monitoring.window import Window
from predictor.record.quality import Slice
from predictor.schema.grouped import Groups
from predictor.schema.text import Text
from predictor.schema.values import Vector

# Of a group, and of all others.
FEWEST = 20
MOST_SLICES = 10
# The chance that any group is named although none differs.
ALPHA = 0.05


def find_slices(metric: Metric, window: Window, losses: Vector) -> tuple[tuple[Slice, ...], int]:
    """The groups of n rows that fit the schema whose mean loss is larger than that of all others, the worst first.

    `losses` has shape (n,). Compared is by Welch's t-test, one-sided (Welch 1947, "The generalization of 'Student's'
    problem"), corrected for the number of groups, which is returned too, by Holm's method (1979, "A simple sequentially
    rejective multiple test procedure"): the chance of naming any group without a cause is at most 5 %.
    """
    window, losses = window.choose(window.fits), losses[window.fits]
    compared = list(_compare_groups(window, losses))
    corrected = correct_holm(np.array([p for *_, p in compared]))
    slices = []
    for (position, groups, number, _), p in zip(compared, corrected, strict=True):
        if p < ALPHA:
            inside = groups.place(window.matrix[:, position]) == number
            slices.append(
                Slice(
                    feature=groups.feature.name,
                    rows=int(inside.sum()),
                    score=score_strata(metric, [Stratum(losses=losses[inside])]),
                    others=score_losses(metric, losses[~inside]),
                    p=float(p),
                    **groups.describe(number),
                )
            )
    slices.sort(key=lambda each: each.score.value, reverse=metric != "accuracy")
    return tuple(slices[:MOST_SLICES]), len(compared)


def _compare_groups(window: Window, losses: Vector) -> Iterator[tuple[int, Groups, int, float]]:
    """The column, the number and the p-value of each group that is large enough, and leaves enough others."""
    for position, feature in enumerate(window.schema.features):
        if isinstance(feature, Text) or not len(window):
            continue
        groups = Groups(feature, window.matrix[:, position])
        counts, p_values = compare_means(groups.place(window.matrix[:, position]), losses, len(groups))
        for number in np.flatnonzero((counts >= FEWEST) & (len(window) - counts >= FEWEST)).tolist():
            if groups.says_something(number) and np.isfinite(p_values[number]):
                yield position, groups, number, float(p_values[number])


def compare_means(codes: NDArray[np.int64], losses: Vector, width: int) -> tuple[NDArray[np.int64], Vector]:
    """The size of each group, and the p-value of its mean loss being above that of all others, both shape (width,).

    By Welch's t-test; NaN where neither varies. `codes` are the groups' numbers, shape (n,), as are `losses`.
    """
    from scipy.special import stdtr

    counts = np.bincount(codes, minlength=width)
    if np.ptp(losses) == 0:
        return counts, np.full(width, np.nan)
    # The test is the same in any unit, and in this one nothing overflows.
    deviations = losses / np.abs(losses).max()
    deviations = deviations - deviations.mean()
    sums, squares = (np.bincount(codes, weights=each, minlength=width) for each in (deviations, deviations**2))
    with np.errstate(all="ignore"):
        means, errors = [], []
        for size, total, square in ((counts, sums, squares), _take_rest(counts, sums, squares)):
            means.append(total / size)
            errors.append(np.maximum(square - total**2 / size, 0) / (size - 1) / size)
        freedom = (errors[0] + errors[1]) ** 2 / (
            errors[0] ** 2 / (counts - 1) + errors[1] ** 2 / (len(losses) - counts - 1)
        )
        p_values: Vector = stdtr(freedom, -(means[0] - means[1]) / np.sqrt(errors[0] + errors[1]))
    return counts, p_values


def _take_rest(*counted: NDArray[Any]) -> list[NDArray[Any]]:
    return [each.sum() - each for each in counted]
