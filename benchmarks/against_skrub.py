"""Compares startmodel's recipes with skrub's `tabular_pipeline`, which gets the same kind of trees.

    OMP_NUM_THREADS=1 python -m benchmarks.against_skrub                  # the tables for tuning
    OMP_NUM_THREADS=1 python -m benchmarks.against_skrub --set-aside      # those that nothing was tuned on
    OMP_NUM_THREADS=1 python -m benchmarks.against_skrub reviews co2

Of a table with more than 3,000 rows, 3,000 are used, chosen at random. Both are fitted and measured on the same five
folds, twice where there are fewer than 1,000 rows, by RMSE or log loss. Our recipe is what `manage.py startmodel`
writes for the table; its estimator is chosen on the training rows of the first fold. A ratio is our mean error divided
by skrub's, with its 95 % interval from fold to fold. Skrub's errors are kept in benchmarks/.peers, so that only ours
are measured again.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, geometric_mean
from typing import Any

import numpy as np
import pandas as pd
import skrub
from msgspec.structs import replace
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

from benchmarks.checkouts import ENVIRONMENTS
from benchmarks.ratios import compare_errors
from benchmarks.tables import Table, list_tables, load_table
from predictor.metrics.losses import Predictions
from predictor.metrics.scores import score_classification, score_regression
from predictor.schema.table import take_rows
from predictor.schema.values import Mask, Matrix, Vector
from predictor.training.dataset import Dataset, load_dataset
from predictor.training.drafting.draft import write_toml
from predictor.training.drafting.folder import draft_recipe
from predictor.training.drafting.selection import DEFAULT_ESTIMATORS, list_candidates, select_candidate
from predictor.training.evaluation import fit_model, predict_rows
from predictor.training.pipeline import build_pipeline, make_estimator
from predictor.training.recipe import Recipe, read_recipe

MOST_ROWS, FEW_ROWS, FOLDS = 3_000, 1_000, 5
WORSE = 1.1
# Ten times startmodel's own limit, so that a busy machine chooses the same.
SECONDS = 600.0
KEPT = ENVIRONMENTS / "skrub.json"
Split = tuple[Mask, Mask]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The errors of the folds, the CPU time of a fit (s, mean), and what was fitted."""

    errors: list[float]
    seconds: float
    chosen: str


def load_ours(folder: Path, table: Table) -> tuple[Recipe, Dataset]:
    """The recipe that startmodel writes for the table, and its dataset."""
    model = folder / "table"
    model.mkdir()
    table.frame.write_csv(model / "data.csv")
    (model / "model.toml").write_text(
        write_toml(draft_recipe(model / "data.csv", model / "data.csv", table.target, None)), encoding="utf-8"
    )
    recipe = replace(read_recipe(folder, "table"), task=table.task, holdout=0, estimator=DEFAULT_ESTIMATORS[table.task])
    return recipe, load_dataset(recipe)


def split_rows(dataset: Dataset) -> list[Split]:
    """The training rows and the tested rows of each fold."""
    rows = len(dataset.target)
    folds = RepeatedStratifiedKFold if dataset.schema.target.classes else RepeatedKFold
    splits = folds(n_splits=FOLDS, n_repeats=1 + (rows < FEW_ROWS), random_state=0)
    return [
        (_mark(rows, training), _mark(rows, tested))
        for training, tested in splits.split(np.empty(rows), dataset.target)
    ]


def _mark(rows: int, chosen: np.ndarray) -> Mask:
    marked = np.zeros(rows, dtype=bool)
    marked[chosen] = True
    return marked


def measure_ours(recipe: Recipe, dataset: Dataset, splits: list[Split]) -> Measured:
    task, classes = dataset.schema.target.task, len(dataset.schema.target.classes)
    first = dataclasses.replace(dataset, held_out=splits[0][1])
    chosen = select_candidate(recipe, first, list_candidates(task, None, first), seconds=SECONDS).chosen
    recipe = replace(recipe, estimator=chosen.estimator, target_transform=chosen.transform)

    def measure() -> Iterator[tuple[float, float]]:
        for training, tested in splits:
            started = time.process_time()
            fitted = fit_model(build_pipeline(recipe, dataset.schema), dataset, training)
            seconds = time.process_time() - started
            predictions = predict_rows(fitted, take_rows(dataset.inputs, tested), classes)
            yield measure_error(dataset.target[tested], predictions), seconds

    return _summarise(list(measure()), chosen.name)


def measure_skrub(table: Table, recipe: Recipe, dataset: Dataset, splits: list[Split]) -> Measured:
    classes = len(dataset.schema.target.classes)
    frame = pd.DataFrame(table.frame.drop(table.target).to_dict(as_series=False))

    def measure() -> Iterator[tuple[float, float]]:
        for training, tested in splits:
            model = skrub.tabular_pipeline(make_estimator(recipe))
            started = time.process_time()
            model.fit(frame[training], dataset.target[training])
            seconds = time.process_time() - started
            predicted = np.asarray(model.predict(frame[tested]), dtype=float)
            shares = find_probabilities(model, frame[tested], classes) if classes else None
            predictions = Predictions(predicted=predicted, probabilities=shares)
            yield measure_error(dataset.target[tested], predictions), seconds

    return _summarise(list(measure()), "skrub")


def find_probabilities(model: Any, rows: Any, classes: int) -> Matrix:
    """The probability of each class, shape (n, classes): 0 for one without training rows."""
    found = model.predict_proba(rows)
    probabilities = np.zeros((len(found), classes))
    probabilities[:, model.classes_.astype(int)] = found
    return probabilities


def measure_error(actual: Vector, predictions: Predictions) -> float:
    if predictions.probabilities is None:
        return score_regression(actual, predictions.predicted)["rmse"]
    return score_classification(actual, predictions.predicted, predictions.probabilities)["log_loss"]


def _summarise(folds: list[tuple[float, float]], chosen: str) -> Measured:
    return Measured(errors=[error for error, _ in folds], seconds=fmean(seconds for _, seconds in folds), chosen=chosen)


def measure_table(table: Table) -> tuple[Measured, Measured]:
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        recipe, dataset = load_ours(Path(folder), table)
        splits = split_rows(dataset)
        key = f"{table.name}, {len(dataset.target)} rows, {recipe.estimator}, skrub {skrub.__version__}"
        if key not in kept:
            kept[key] = dataclasses.asdict(measure_skrub(table, recipe, dataset, splits))
            KEPT.parent.mkdir(exist_ok=True)
            KEPT.write_text(json.dumps(kept))
        return measure_ours(recipe, dataset, splits), Measured(**kept[key])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--set-aside", action="store_true", help="the tables that nothing was tuned on")
    parser.add_argument("--group", help="only the tables of one group: plain, text, date or category")
    parser.add_argument("names", nargs="*", help="choose among the tables")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # Of rare classes, unknown categories and columns that skrub drops.
    print("| table | kind | rows | chosen | our error | skrub's | ratio | interval | our fit, s | skrub's |")
    print("|---" * 10 + "|")
    ratios, worse = [], []
    for listed in list_tables():
        is_named = listed.name in options.names if options.names else listed.is_set_aside == options.set_aside
        if not is_named or options.group not in (None, listed.group):
            continue
        table = load_table(listed).sample(MOST_ROWS)
        ours, theirs = measure_table(table)
        ratio, low, high = compare_errors(ours.errors, theirs.errors, FOLDS)
        ratios.append(ratio)
        worse += [table.name] if low > WORSE else []
        print(
            f"| {table.name} | {table.group} | {len(table.frame):,} | {ours.chosen} | {fmean(ours.errors):.4g}"
            f" | {fmean(theirs.errors):.4g} | {ratio:.3f} | {low:.3f}–{high:.3f} | {ours.seconds:.2f}"
            f" | {theirs.seconds:.2f} |"
        )
        sys.stdout.flush()
    print(f"| **geometric mean of {len(ratios)}** | | | | | | **{geometric_mean(ratios):.3f}** | | | |")
    print(f"\nWorse by more than 10 % beyond the interval: {', '.join(worse) or 'none'}")


if __name__ == "__main__":
    main()
