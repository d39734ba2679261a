"""Tells predictions from training rows by all inputs together: a classifier two-sample test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from predictor.record.reference import MISSING, Numbers, Reference, Sample
from predictor.schema.values import Matrix, Vector

Blocks = NDArray[np.uint8]
# In each half of both samples.
FEWEST_BLOCKS = 10
MOST_CATEGORIES = 8
# Of more columns, the products would be more than all else.
MOST_MULTIPLIED = 12
TREES, LEAST_LEAF = 100, 5


@dataclass(frozen=True, kw_only=True)
class Told:
    """How well both samples are told apart, and how probable that is by chance."""

    auc: float
    p_value: float


def tell_apart(reference: Reference, theirs: Blocks, *, seed: int) -> Told | None:
    """Classify blocks of the reference and of a window, shape (blocks, columns, 5); None where they are too few.

    A classifier two-sample test (Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests") with two folds: a
    forest that was fitted on one half ranks the other. Where both samples are from one distribution, its ranks of that
    half are a random order, so that the area under the curve has the distribution of Mann and Whitney's U (1947). The
    p-value is twice the smaller one of both halves, whatever depends on what (Bonferroni).
    """
    from scipy.stats import mannwhitneyu

    ours = reference.read_blocks()
    if min(len(ours), len(theirs)) < 2 * FEWEST_BLOCKS:
        return None
    features = _add_products(list(_summarise_columns(reference, np.concatenate([ours, theirs]))))
    is_window = np.arange(len(features)) >= len(ours)
    random = np.random.default_rng(seed)
    first = np.zeros(len(features), dtype=bool)
    for rows in (np.flatnonzero(~is_window), np.flatnonzero(is_window)):
        first[random.permutation(rows)[: len(rows) // 2]] = True
    areas, p_values = [], []
    for tested in (first, ~first):
        scores = _rank(features[~tested], is_window[~tested], features[tested], seed)
        one, other = scores[is_window[tested]], scores[~is_window[tested]]
        found = mannwhitneyu(one, other, alternative="greater", method="asymptotic")
        areas.append(float(found.statistic) / (len(one) * len(other)))
        p_values.append(float(found.pvalue))
    return Told(auc=float(np.mean(areas)), p_value=min(1.0, 2 * min(p_values)))


def _rank(features: Matrix, is_window: NDArray[np.bool_], tested: Matrix, seed: int) -> Vector:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        TREES, min_samples_leaf=LEAST_LEAF, class_weight="balanced", n_jobs=1, random_state=seed
    )
    ranks: Vector = forest.fit(features, is_window).predict_proba(tested)[:, 1]
    return ranks


def _summarise_columns(reference: Reference, blocks: Blocks) -> Iterator[Matrix]:
    """What the classifier gets of each column of all blocks, shape (blocks, features of the column)."""
    for position, sample in enumerate(reference.columns):
        numbers = blocks[:, position]
        yield _summarise_numbers(sample, numbers) if isinstance(sample, Numbers) else _count_categories(numbers)


def _add_products(summaries: Sequence[Matrix]) -> Matrix:
    """All summaries of the columns, and the products of each two columns' first, which show how columns go together.

    Single splits of a forest do not see that.
    """
    firsts = [each[:, 0] - each[:, 0].mean() for each in summaries[:MOST_MULTIPLIED]]
    products = [one * other for one, other in combinations(firsts, 2)]
    return np.column_stack([*summaries, *products])


def _summarise_numbers(sample: Sample, numbers: Blocks) -> Matrix:
    """The mean and the standard deviation of the five ranks among the reference, from 0 to 1, and how many are missing.

    Where all five are missing, mean and deviation are those of the reference.
    """
    counts = np.array(sample.counts)
    ranks = (counts.cumsum() - counts / 2) / max(1, counts.sum())
    # Values beyond the range seen are those at its ends: a few always are, of a small reference.
    filled = np.flatnonzero(counts)
    ranks = ranks if not len(filled) else ranks.clip(ranks[filled[0]], ranks[filled[-1]])
    is_known = numbers != MISSING
    known = is_known.sum(axis=1)
    ranked = np.where(is_known, ranks[np.minimum(numbers, len(ranks) - 1)], 0.0)
    mean = np.where(known > 0, ranked.sum(axis=1) / np.maximum(1, known), 0.5)
    squares = np.where(is_known, (ranked - mean[:, np.newaxis]) ** 2, 0.0).sum(axis=1)
    return np.column_stack([mean, np.sqrt(squares / np.maximum(1, known)), known])


def _count_categories(numbers: Blocks) -> Matrix:
    """How many of the five are each of the most frequent categories, missing among them."""
    frequent = np.bincount(numbers.ravel(), minlength=MISSING + 1).argsort(kind="stable")[::-1][:MOST_CATEGORIES]
    return np.column_stack([(numbers == each).sum(axis=1) for each in frequent]).astype(np.float64)
