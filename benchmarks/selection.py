"""Measures what startmodel chooses on public tables, and whether it is better on rows that the choice never saw.

    OMP_NUM_THREADS=1 python -m benchmarks.selection

Each table goes through `select_candidate` as in `manage.py startmodel`, with a fifth of its rows held out. Then the
boosted trees and the chosen candidate are fitted on the training rows and measured on the held-out ones. Names of
tables choose among them.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import geometric_mean

import numpy as np
from msgspec.structs import replace

from benchmarks.estimators import make_model, measure_error
from benchmarks.tables import Table, classification_tables, regression_tables
from predictor.training.dataset import load_dataset
from predictor.training.drafting.selection import DEFAULT_ESTIMATORS, Candidate, list_candidates, select_candidate
from predictor.training.evaluation import fit_model
from predictor.training.pipeline import build_pipeline
from predictor.training.recipe import read_recipe


def main() -> None:
    print("| table | training rows | folds | better on | chosen | interval | held out, to trees' error | s |")
    print("|---|---|---|---|---|---|---|---|")
    ratios = []
    for table in [*regression_tables(), *classification_tables()]:
        if not sys.argv[1:] or table.name in sys.argv[1:]:
            ratios.append(measure_table(table))
            sys.stdout.flush()
    print(f"| **geometric mean of {len(ratios)}** | | | | | | **{geometric_mean(ratios):.3f}** | |")


def measure_table(table: Table) -> float:
    """Print a table's line, and give the held-out error of what is chosen, divided by that of the boosted trees."""
    with tempfile.TemporaryDirectory() as folder:
        path = DEFAULT_ESTIMATORS[table.task].path.removeprefix("sklearn.")
        make_model(Path(folder), table, path, DEFAULT_ESTIMATORS[table.task].params)
        recipe = replace(read_recipe(Path(folder), "table"), holdout=0.2)
        dataset = load_dataset(recipe)
    candidates = list_candidates(table.task, None, dataset)
    started = time.perf_counter()
    selection = select_candidate(recipe, dataset, candidates)
    seconds = time.perf_counter() - started

    def measure(candidate: Candidate) -> float:
        chosen = replace(recipe, estimator=candidate.estimator, target_transform=candidate.transform)
        fitted = fit_model(build_pipeline(chosen, dataset.schema), dataset, dataset.training)
        return measure_error(fitted, dataset, np.flatnonzero(dataset.held_out))

    is_first = selection.chosen is candidates[0]
    ratio = 1.0 if is_first else measure(selection.chosen) / measure(candidates[0])
    wins = ", ".join(f"{each.candidate.name} {each.wins}" for each in selection.measured[1:])
    print(
        f"| {table.name} | {dataset.training.sum():,} | {selection.folds} | {wins} | {selection.chosen.name}"
        f" | {selection.interval or ''} | {ratio:.3f} | {seconds:.1f} |"
    )
    return ratio


if __name__ == "__main__":
    main()
