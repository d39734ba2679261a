"""Measures how often the 90 % interval of a regression's answer holds the truth, on rows that were never seen.

    python -m benchmarks.intervals

Each public table is divided into five parts by its rows' hashes, so that equal rows stay together. Each part in turn
is put aside; of the rest, the hold-out gives the interval of a model that learnt the others, by the estimator that
startmodel writes. Counted are the rows put aside whose truth lies within the interval.
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
from predictor.training.evaluation import answer_rows, fit_model
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
    """The share of rows whose truth the interval holds, and its width in standard deviations of the target."""
    estimator = DEFAULT_ESTIMATORS["regression"]
    with tempfile.TemporaryDirectory() as folder:
        path = estimator.path.removeprefix("sklearn.")
        dataset, model = make_model(Path(folder), table, path, estimator.params)
    held_out, parts = is_held_out(dataset.hashes, HOLD_OUT), assign_folds(dataset.hashes)
    covered, widths = [], []
    for part in range(FOLDS):
        aside = parts == part
        fitted = fit_model(model, dataset, ~aside & ~held_out)
        residuals = dataset.target - answer_rows(fitted, dataset.matrix, 0).predicted
        radius = find_radius(residuals[held_out & ~aside])
        covered += (np.abs(residuals[aside]) <= radius).tolist()
        widths.append(2 * radius / dataset.target.std())
    return fmean(covered), fmean(widths)


if __name__ == "__main__":
    main()
