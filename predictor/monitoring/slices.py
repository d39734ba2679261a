"""Finds the groups of predictions whose losses are larger than those of all others."""

from collections.abc import Iterator

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
    from scipy.stats import ttest_ind

    window, losses = window.choose(window.fits), losses[window.fits]
    compared = [
        (groups, number, inside, ttest_ind(losses[inside], losses[~inside], equal_var=False, alternative="greater"))
        for groups, number, inside in _list_groups(window)
        if np.ptp(losses[inside]) > 0 or np.ptp(losses[~inside]) > 0
    ]
    corrected = correct_holm(np.array([each.pvalue for *_, each in compared]))
    slices = [
        Slice(
            feature=groups.feature.name,
            rows=int(inside.sum()),
            score=score_strata(metric, [Stratum(losses=losses[inside])]),
            others=score_losses(metric, losses[~inside]),
            p=float(p),
            **groups.describe(number),
        )
        for (groups, number, inside, _), p in zip(compared, corrected, strict=True)
        if p < ALPHA
    ]
    slices.sort(key=lambda each: each.score.value, reverse=metric != "accuracy")
    return tuple(slices[:MOST_SLICES]), len(compared)


def _list_groups(window: Window) -> Iterator[tuple[Groups, int, NDArray[np.bool_]]]:
    """Each group that is large enough, and leaves enough others, with its rows."""
    for position, feature in enumerate(window.schema.features):
        if isinstance(feature, Text) or not len(window):
            continue
        column = window.matrix[:, position]
        groups = Groups(feature, column)
        codes = groups.place(column)
        counts = np.bincount(codes, minlength=len(groups))
        for number in np.flatnonzero((counts >= FEWEST) & (len(window) - counts >= FEWEST)).tolist():
            if groups.says_something(number):
                yield groups, number, codes == number
