"""The profile of the training data: the points and the curve of a version's chart, and the target's distribution."""

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from predictor.record.profile import Distribution, Profile
from predictor.schema.kinds import Integer, Number
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.schema.values import Label, Matrix, Vector

MOST_POINTS = 200
CURVE_STEPS = 100
MOST_BINS = 24
# Beyond these quantiles a few rows would squeeze all others into one bin, and be told apart.
LOWEST_SHARE, HIGHEST_SHARE = 0.01, 0.99
# A bin of a wider range of whole numbers needs no whole ends.
MOST_WHOLE = 1e6


def describe_training(
    schema: Schema, matrix: Matrix, target: Vector, predict: Callable[[Matrix], Vector], *, show_data: bool, seed: int
) -> Profile:
    """Describe training rows, shape (n, features) and (n,), for charts.

    `axes` names what is drawn: a regression's first number against its target, a classification's first two
    numbers with the class as a mark; it is empty where the model has none. `curve` is what a regression on
    one number predicts over the range seen. `points` are at most 200 training rows, only with `show_data`.
    `target` is the distribution of the target.
    """
    distribution = describe_target(schema.target, target)
    numbers = [i for i, feature in enumerate(schema.features) if isinstance(feature, Number | Integer)]
    is_regression = schema.target.task == "regression"
    if len(numbers) < (1 if is_regression else 2):
        return Profile(target=distribution)
    first = schema.features[numbers[0]]
    second = schema.target.name if is_regression else schema.features[numbers[1]].name
    curve = _trace_curve(first.seen, predict) if is_regression and len(schema.features) == 1 else ()
    points: tuple[tuple[float, float, Label | None], ...] = ()
    if show_data:
        chosen = choose_rows(len(matrix), MOST_POINTS, seed)
        heights = target if is_regression else matrix[:, numbers[1]]
        marks = [None if is_regression else schema.target.classes[int(code)] for code in target[chosen]]
        drawn = zip(matrix[chosen, numbers[0]].tolist(), heights[chosen].tolist(), marks, strict=True)
        points = tuple((x, y, mark) for x, y, mark in drawn if np.isfinite(x) and np.isfinite(y))
    return Profile(axes=(first.name, second), curve=curve, points=points, target=distribution)


def describe_target(described: Target, target: Vector) -> Distribution | msgspec.UnsetType:
    """The distribution of the training target, shape (n,): of classes, `target` has their codes.

    Unset where all values are the same. Whole numbers get bins of whole numbers, with each in the middle of one.
    """
    if described.task != "regression":
        counts = np.bincount(target.astype(np.int64), minlength=len(described.classes))
        return Distribution(counts=tuple(counts.tolist()))
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = (float(end) for end in np.quantile(target, [LOWEST_SHARE, HIGHEST_SHARE]))
    if not (low < high and np.isfinite(high - low)):
        return msgspec.UNSET
    bins = MOST_BINS
    if high - low < MOST_WHOLE and np.array_equal(target, np.round(target)):
        width = max(1, math.ceil((high - low) / MOST_BINS))
        bins = (math.ceil(high) - math.floor(low)) // width + 1
        low = math.floor(low) - 0.5
        high = low + bins * width
    counts, _ = np.histogram(target, bins=bins, range=(low, high))
    return Distribution(counts=tuple(counts.tolist()), low=low, high=high)


def _trace_curve(seen: tuple[Any, ...], predict: Callable[[Matrix], Vector]) -> tuple[tuple[float, float], ...]:
    if not seen:
        return ()
    xs = np.linspace(seen[0], seen[-1], CURVE_STEPS)
    ys = predict(xs.reshape(-1, 1))
    return tuple((float(x), float(y)) for x, y in zip(xs, ys, strict=True) if np.isfinite(y))


def choose_rows(rows: int, most: int, seed: int) -> NDArray[np.int64]:
    """The numbers of at most `most` of so many rows, in their order: all of them, or those that the seed chooses."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
