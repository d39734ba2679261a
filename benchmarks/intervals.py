"""Measures how often the 90 % interval of a regression contains the true value, on rows that were never seen.

    OMP_NUM_THREADS=1 python -m benchmarks.intervals

Each public table is split into five folds by its rows' hashes, so that equal rows stay together. For each fold, a
model with startmodel's boosted trees is fitted on the other rows, some of which are held out for its interval. Counted
are the fold's rows whose true value is in the interval, for each kind of interval: `constant`, `scaled`, and `log`,
which is that of `target_transform = "log"`, where all values are above 0. Names of tables choose among them.
"""

import sys
import tempfile
from pathlib import Path
from statistics import fmean

import numpy as np
from sklearn.base import BaseEstimator

from benchmarks.estimators import make_model
from benchmarks.tables import Table, regression_tables
from predictor.metrics.losses import Predictions
from predictor.metrics.scores import score_intervals
from predictor.schema.values import Mask
from predictor.training.conformal import measure_interval
from predictor.training.dataset import Dataset
from predictor.training.drafting.selection import DEFAULT_ESTIMATORS
from predictor.training.evaluation import HOLD_OUT, Evaluation, fit_model, predict_out_of_fold, predict_rows
from predictor.training.fitting import MOST_SPREAD_ROWS
from predictor.training.holdout import FOLDS, assign_folds, choose_lowest, is_held_out
from predictor.training.pipeline import transform_target
from predictor.training.spread import fit_spread

SHARE = 0.2
KINDS = ("constant", "scaled", "log")
# The share of the rows inside, the mean width and the mean interval score, both in standard deviations of the target.
Measured = tuple[float, float, float]


def main() -> None:
    print(f"| table | rows | {' | '.join(f'{kind}: covered, width, score' for kind in KINDS)} |\n|---|---|---|---|---|")
    found: dict[str, list[Measured]] = {kind: [] for kind in KINDS}
    for table in regression_tables():
        if sys.argv[1:] and table.name not in sys.argv[1:]:
            continue
        measured = measure_table(table)
        for kind, each in measured.items():
            found[kind].append(each)
        cells = [_write(measured[kind]) if kind in measured else "–" for kind in KINDS]
        print(f"| {table.name} | {len(table.frame):,} | {' | '.join(cells)} |")
        sys.stdout.flush()
    means = [f"**{fmean(covered for covered, _, _ in found[kind]):.1%}**" for kind in KINDS]
    print(f"| **mean coverage** | | {' | '.join(means)} |")


def _write(measured: Measured) -> str:
    covered, width, score = measured
    return f"{covered:.1%}, {width:.2f}, {score:.2f}"


def measure_table(table: Table) -> dict[str, Measured]:
    estimator = DEFAULT_ESTIMATORS["regression"]
    with tempfile.TemporaryDirectory() as folder:
        path = estimator.path.removeprefix("sklearn.")
        dataset, model = make_model(Path(folder), table, path, estimator.params)
    kinds = KINDS if (dataset.target > 0).all() else KINDS[:2]
    return {kind: measure_kind(dataset, model, kind) for kind in kinds}


def measure_kind(dataset: Dataset, model: BaseEstimator, kind: str) -> Measured:
    held_out, folds = is_held_out(dataset.hashes, SHARE), assign_folds(dataset.hashes)
    low, high = np.empty(len(dataset.target)), np.empty(len(dataset.target))
    for fold in range(FOLDS):
        tested = folds == fold
        low[tested], high[tested] = _place_intervals(dataset, model, kind, tested, held_out & ~tested)
    spread = dataset.target.std()
    covered = (low <= dataset.target) & (dataset.target <= high)
    score = score_intervals(dataset.target, low, high, coverage=0.9)
    return float(covered.mean()), float((high - low).mean() / spread), float(score / spread)


def _place_intervals(dataset: Dataset, model: BaseEstimator, kind: str, tested: Mask, held_out: Mask) -> np.ndarray:
    """The ends of the tested rows' intervals, shape (2, n), by a model and an interval that never saw them."""
    transform = "log" if kind == "log" else None
    model, training = transform_target(model, transform), ~tested & ~held_out
    fitted, spread = fit_model(model, dataset, training), None
    if kind == "scaled":
        rows = choose_lowest(dataset.hashes, training, MOST_SPREAD_ROWS)
        spread = fit_spread(dataset.target[rows], predict_out_of_fold(model, dataset, rows).predicted).spread
    actual, predictions = dataset.target[held_out], predict_rows(fitted, dataset.matrix[held_out], 0)
    interval = measure_interval(_describe(actual, predictions), transform=transform, spread=spread)
    assert interval is not None
    return np.array([interval.find_ends(each) for each in predict_rows(fitted, dataset.matrix[tested], 0).predicted]).T


def _describe(actual: np.ndarray, predictions: Predictions) -> Evaluation:
    return Evaluation(
        method=HOLD_OUT,
        rows=len(actual),
        scores={},
        baseline={},
        predictions=predictions,
        baseline_predictions=predictions,
        actual=actual,
    )


if __name__ == "__main__":
    main()
