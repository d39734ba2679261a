"""Describes which inputs the rows have that a loss model is fitted on, so that others are recognised."""

import numpy as np

from predictor.record.loss_model import Support
from predictor.schema.kinds import Boolean, Category
from predictor.schema.schema import Schema
from predictor.schema.values import Matrix, Vector

# What a smaller share of the rows has, a loss model does not know.
RARE = 0.001
# Later ones are always beyond those of training; what was last of these stands for them.
GOING_ON = ("date", "datetime", "text")


def describe_support(schema: Schema, matrix: Matrix) -> Support:
    """Of rows of shape (n, features), n ≥ 1."""
    lows, highs, codes = [], [], {}
    for column, feature in enumerate(schema.features):
        low, high = -np.inf, np.inf
        known = matrix[~np.isnan(matrix[:, column]), column]
        if isinstance(feature, Boolean | Category):
            codes[column] = _find_codes(known).tobytes()
        elif feature.kind not in GOING_ON and len(known):
            low, high = np.quantile(known, [RARE, 1 - RARE], method="inverted_cdf")
        lows.append(low)
        highs.append(high)
    missing = np.isnan(matrix).mean(axis=0) >= RARE
    return Support(
        lows=np.array(lows, dtype="<f8").tobytes(),
        highs=np.array(highs, dtype="<f8").tobytes(),
        may_be_missing=missing.tobytes(),
        codes=codes,
    )


def _find_codes(known: Vector) -> "np.ndarray":
    counts = np.bincount(known.astype(np.int64))
    return counts >= max(RARE * len(known), 1)
