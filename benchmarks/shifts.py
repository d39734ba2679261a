"""Windows of later rows whose features are distributed otherwise than in training: by features alone, never the target.

The kinds, their numbers and their sizes were written down before anything was measured.

    same       drawn at random, with no shift
    tilt       weighted by exp(± z) of one feature, z being its rank as a normal score
    direction  weighted by exp(± z) of a random linear combination of all features
    split      only the rows above, or only those up to, the median of one feature
    mixture    weighted anew by cluster, of ten that k-means finds among the features
    unseen     rows of a region that the model was trained without, alone and with as many others
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.cluster import KMeans

from predictor.schema.values import Mask, Matrix, Vector

WINDOW_ROWS = 2_000
TILTED, SPLIT, MIXTURES, CLUSTERS = 3, 2, 2, 10
# The share of all rows that are in the region that is left out of training.
UNSEEN = 0.2


@dataclass(frozen=True, kw_only=True, eq=False)
class Shifted:
    """One window: the kind of its shift, and the positions of its rows, shape (2,000,)."""

    kind: str
    rows: np.ndarray


def draw_windows(matrix: Matrix, later: np.ndarray, seed: int) -> Iterator[Shifted]:
    """The windows among the `later` rows, positions of shape (n,), of a matrix of shape (rows, features)."""
    random, scores = np.random.default_rng(seed), score_features(matrix)
    features = random.permutation(scores.shape[1])
    for _ in range(2):
        yield Shifted(kind="same", rows=_draw(random, later))
    for feature in features[:TILTED]:
        for sign in (1, -1):
            yield Shifted(kind="tilt", rows=_draw(random, later, np.exp(sign * scores[later, feature])))
    combined = _score(scores @ random.normal(size=scores.shape[1]))
    for sign in (1, -1):
        yield Shifted(kind="direction", rows=_draw(random, later, np.exp(sign * combined[later])))
    for feature in features[::-1][:SPLIT]:
        above = scores[later, feature] > np.median(scores[later, feature])
        for side in (above, ~above):
            if WINDOW_ROWS <= side.sum() < len(later):
                yield Shifted(kind="split", rows=_draw(random, later[side]))
    clusters = KMeans(CLUSTERS, n_init=1, random_state=seed).fit_predict(scores)
    for _ in range(MIXTURES):
        weights = random.dirichlet(np.ones(CLUSTERS))
        yield Shifted(kind="mixture", rows=_draw(random, later, weights[clusters[later]] + 1e-9))


def find_unseen(matrix: Matrix, seed: int) -> Mask:
    """Mark the rows, shape (rows,), of a region that a model is trained without."""
    scores = score_features(matrix)
    combined = _score(scores @ np.random.default_rng(seed + 1).normal(size=scores.shape[1]))
    return combined > np.quantile(combined, 1 - UNSEEN)


def draw_unseen(unseen: Mask, later: np.ndarray, seed: int) -> Iterator[Shifted]:
    random = np.random.default_rng(seed + 2)
    inside, outside = later[unseen[later]], later[~unseen[later]]
    if len(inside) >= WINDOW_ROWS:
        yield Shifted(kind="unseen", rows=_draw(random, inside))
    half = WINDOW_ROWS // 2
    mixed = np.concatenate([random.choice(each, half, replace=False) for each in (inside, outside)])
    yield Shifted(kind="unseen", rows=mixed)


def score_features(matrix: Matrix) -> Matrix:
    """Each column's ranks as normal scores, shape (rows, features); missing values are in the middle."""
    return np.column_stack([_score(np.where(np.isnan(each), np.nanmedian(each), each)) for each in matrix.T])


def _score(values: Vector) -> Vector:
    ranks = norm.ppf((rankdata(values) - 0.5) / len(values))
    return (ranks - ranks.mean()) / (ranks.std() or 1.0)


def _draw(random: np.random.Generator, rows: np.ndarray, weights: "Vector | None" = None) -> np.ndarray:
    shares = None if weights is None else weights / weights.sum()
    return random.choice(rows, WINDOW_ROWS, replace=False, p=shares)
