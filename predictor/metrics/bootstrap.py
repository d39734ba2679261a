"""The percentile bootstrap: confidence intervals of losses over resampled rows."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from predictor.metrics.interval import Interval
from predictor.metrics.names import Metric
from predictor.schema.values import Matrix, Vector

RESAMPLES = 2_000
MOST_DRAWN_ROWS = 50_000
LARGEST_SHARE = 0.02
# So many rows at a time fit into a core's cache, and bound the memory.
NUMBERS_AT_ONCE = 250_000
CONFIDENCE = 0.95


def resample(metric: Metric, losses: Matrix, seed: int) -> Matrix:
    """The joined losses of 2,000 paired resamples, shape (2,000, k), of k models on n rows, shape (k, n), n ≥ 1.

    Rows are drawn with replacement, the same rows for all models, so that what is hard for all cancels in a
    difference. For more than 50,000 rows, the means are drawn from the normal distribution that those of resamples
    tend to (Bickel and Freedman 1981, "Some asymptotic theory for the bootstrap"), unless the losses of a few rows are
    so much larger than all others that they dominate.
    """
    means = _draw_limit(losses, seed) if _tends_to_normal(losses) else _draw_rows(losses, seed)
    return np.sqrt(np.maximum(means, 0)) if metric == "rmse" else means


def _tends_to_normal(losses: Matrix) -> bool:
    """Whether there are many rows, and none has more than 2 % of all squared deviations."""
    if losses.shape[1] <= MOST_DRAWN_ROWS:
        return False
    squares = (losses - losses.mean(axis=1, keepdims=True)) ** 2
    return bool((squares.max(axis=1) <= LARGEST_SHARE * squares.sum(axis=1)).all())


def _draw_limit(losses: Matrix, seed: int) -> Matrix:
    covariance = np.atleast_2d(np.cov(losses, bias=True)) / losses.shape[1]
    return np.random.default_rng(seed).multivariate_normal(
        losses.mean(axis=1), covariance, RESAMPLES, check_valid="ignore"
    )


def _draw_rows(losses: Matrix, seed: int) -> Matrix:
    """Draw rows in batches, each with a seed of its own, in threads: numpy releases the GIL."""
    rows = losses.shape[1]
    at_once = min(RESAMPLES, max(1, NUMBERS_AT_ONCE // rows))
    sizes = [min(at_once, RESAMPLES - start) for start in range(0, RESAMPLES, at_once)]

    def draw(seed: np.random.SeedSequence, size: int) -> Matrix:
        drawn = np.random.default_rng(seed).integers(0, rows, size=(size, rows), dtype=np.uint32)
        return np.stack([each[drawn].mean(axis=1) for each in losses], axis=1)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as threads:
        return np.concatenate(list(threads.map(draw, np.random.SeedSequence(seed).spawn(len(sizes)), sizes)))


def find_interval(worse: Vector, better: Vector) -> Interval:
    """The 95 % interval of loss(worse) − loss(better), both resampled together, shape (2,000,).

    The percentile bootstrap (Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3).
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(worse - better, [tail, 1 - tail])
    return Interval(low=float(low), high=float(high))
