"""Compares two samples that are counted in the same bins: how far apart they are, and whether that may be chance.

Counts have shape (bins,); m and n are the rows of the reference and of the window, with a value each.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from predictor.schema.values import Vector

Counts = NDArray[np.int64]
PSI_BINS = 10
# In place of a share of 0, which has no logarithm, as Evidently does.
SMALLEST_SHARE = 1e-4
# With fewer expected rows in a bin, the statistic is not distributed as χ² (Cochran 1954, "Some methods for
# strengthening the common χ² tests").
FEWEST_EXPECTED = 5


@dataclass(frozen=True, kw_only=True)
class Test:
    """A statistic, and how probable one as large is where both samples are from one distribution."""

    name: Literal["kolmogorov-smirnov", "chi-squared"]
    statistic: float
    p_value: float


def find_psi(reference: Counts, window: Counts) -> float:
    """The population stability index, Σ (q − p) ln(q / p) over the shares p and q of the bins.

    It is the divergence of Jeffreys 1946; the name is Siddiqi's 2006, "Credit risk scorecards".
    """
    p, q = (np.maximum(counts / counts.sum(), SMALLEST_SHARE) for counts in (reference, window))
    return float(((q - p) * np.log(q / p)).sum())


def find_chance(bins: int, m: int, n: int) -> float:
    """What the index of two samples of one distribution exceeds in 5 % of cases: (1/m + 1/n) χ² of bins − 1.

    Yurdakul 2018, "Statistical properties of population stability index".
    """
    from scipy.stats import chi2

    return float(chi2.ppf(0.95, bins - 1) * (1 / m + 1 / n)) if bins > 1 else 0.0


def group_bins(reference: Counts, single: tuple[bool, bool] = (False, False)) -> NDArray[np.int64]:
    """For each of the ordered bins, the number of its group: tenths of the reference, as far as bins allow that.

    The empty bins at the ends, for values beyond all others, are in the group of their neighbour; but where that has a
    `single` value, of a tenth of the rows or more, they are groups of their own.
    """
    middle = (reference.cumsum() - reference / 2) / reference.sum()
    tenths = np.minimum((middle * PSI_BINS).astype(np.int64), PSI_BINS - 1)
    first, last = np.flatnonzero(reference)[[0, -1]]
    is_own = np.array(single) & (reference[[first, last]] * PSI_BINS >= reference.sum())
    tenths[:first], tenths[last + 1 :] = tenths[first] - is_own[0], tenths[last] + is_own[1]
    return np.unique(tenths, return_inverse=True)[1]


def compare_numbers(reference: Counts, window: Counts) -> Test:
    """The two-sample Kolmogorov–Smirnov test over the ends of ordered bins, with scipy's distribution.

    Between the ends the distance may be larger, by at most the share of a bin: the p-value is never too small.
    """
    from scipy.stats import kstwo

    m, n = int(reference.sum()), int(window.sum())
    distance = float(np.abs(reference.cumsum() / m - window.cumsum() / n).max())
    p_value = float(np.clip(kstwo.sf(distance, round(m * n / (m + n))), 0, 1))
    return Test(name="kolmogorov-smirnov", statistic=distance, p_value=p_value)


def compare_categories(reference: Counts, window: Counts) -> Test | None:
    """Pearson's χ² test that both have the same shares; bins with few rows are counted together.

    None where no two bins are left.
    """
    from scipy.stats import chi2_contingency

    table = _join_rare(np.array([reference, window]))
    if table.shape[1] < 2:
        return None
    found = chi2_contingency(table, correction=False)
    return Test(name="chi-squared", statistic=float(found.statistic), p_value=float(found.pvalue))


def _join_rare(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join the columns of shape (2, bins) in which fewer than five rows are expected, into one that has enough."""
    smaller = table.sum(axis=1).min() / table.sum()
    table = table[:, np.argsort(table.sum(axis=0), kind="stable")]
    expected = table.sum(axis=0) * smaller
    rare = int((expected < FEWEST_EXPECTED).sum())
    while 0 < rare < len(expected) and expected[:rare].sum() < FEWEST_EXPECTED:
        rare += 1
    joined = table[:, :rare].sum(axis=1, keepdims=True)
    return np.hstack([joined, table[:, rare:]]) if rare else table


def compare_shares(marked: int, m: int, also_marked: int, n: int) -> float:
    """The p-value that the same share of rows is marked, of m and of n: by Fisher's exact test, or χ² of many rows."""
    from scipy.stats import fisher_exact

    table = np.array([[marked, m - marked], [also_marked, n - also_marked]])
    if not table.sum(axis=0).all():
        return 1.0
    if table.sum(axis=0).min() * min(m, n) / (m + n) < FEWEST_EXPECTED:
        return float(fisher_exact(table).pvalue)
    found = compare_categories(table[0], table[1])
    return found.p_value if found else 1.0


def correct_holm(p_values: Vector) -> Vector:
    """P-values, shape (tests,), corrected by Holm's method (1979), whatever depends on what.

    Of those below 5 %, any is wrong in at most 5 % of cases. Benjamini and Hochberg's correction bounds only the share
    of wrong ones among them, and an alarm asks whether there is any.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return corrected
