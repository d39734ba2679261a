"""Measures how often the 90 % interval of a regression contains the true value, on rows that were never seen.

    python -m benchmarks.intervals

Each public table is split into five folds by its rows' hashes, so that equal rows stay together. For each fold, a
model with startmodel's estimator is fitted on the other rows, some of which are held out for its interval. Counted are
the fold's rows whose true value is in the interval.
"""

import sys
import tempfile
from pathlib import Path
from statistics import fmean

import numpy as np

from benchmarks.estimators import make_model
from benchmarks.tables import Table, regression_tables
from predictor.training.conformal import find_radius
from predictor.training.drafting.folder import DEFAULT_ESTIMATORS
from predictor.training.evaluation import fit_model, predict_rows
from predictor.training.holdout import FOLDS, assign_folds, is_held_out

HOLD_OUT = 0.2


def main() -> None:
    print("| table | rows | covered | width, in sd of the target |\n|---|---|---|---|")
    shares = []
    for table in regression_tables():
        covered, width = measure_table(table)
        shares.append(covered)
        print(f"| {table.name} | {len(table.frame):,} | {covered:.1%} | {width:.2f} |")
        sys.stdout.flush()
    print(f"| **mean of {len(shares)} tables** | | **{fmean(shares):.1%}** | |")


def measure_table(table: Table) -> tuple[float, float]:
    """The share of rows whose true value is in the interval, and its width in standard deviations of the target."""
    estimator = DEFAULT_ESTIMATORS["regression"]
    with tempfile.TemporaryDirectory() as folder:
        path = estimator.path.removeprefix("sklearn.")
        dataset, model = make_model(Path(folder), table, path, estimator.params)
    held_out, folds = is_held_out(dataset.hashes, HOLD_OUT), assign_folds(dataset.hashes)
    covered, widths = [], []
    for fold in range(FOLDS):
        tested = folds == fold
        fitted = fit_model(model, dataset, ~tested & ~held_out)
        residuals = dataset.target - predict_rows(fitted, dataset.matrix, 0).predicted
        radius = find_radius(residuals[held_out & ~tested])
        covered += (np.abs(residuals[tested]) <= radius).tolist()
        widths.append(2 * radius / dataset.target.std())
    return fmean(covered), fmean(widths)


if __name__ == "__main__":
    main()
