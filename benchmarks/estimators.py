"""Measures which estimator is a good one to start with, on public tables, through the pipeline that the site builds.

    OMP_NUM_THREADS=1 python -m benchmarks.estimators regression
    OMP_NUM_THREADS=1 python -m benchmarks.estimators classification
    OMP_NUM_THREADS=1 python -m benchmarks.estimators classification "logistic regression" "hist boosting, small, l2 1"

Names after the task choose among its candidates. Every table goes through a recipe. Each candidate is fitted on the
same five folds, repeated three times where the table has fewer than 2,000 rows. Errors are the RMSE or the log loss,
divided by the best candidate's on that table.
"""

import json
import pickle
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, geometric_mean, median

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

from benchmarks.tables import Table, classification_tables, regression_tables
from predictor.exceptions import TrainingError
from predictor.metrics.scores import score_classification, score_regression
from predictor.training.dataset import Dataset, load_dataset
from predictor.training.evaluation import fit_model, predict_rows
from predictor.training.pipeline import build_pipeline
from predictor.training.recipe import read_recipe

SLOWER = {"learning_rate": 0.05, "max_iter": 300}
STOPPING = {"learning_rate": 0.05, "max_iter": 1000, "early_stopping": True, "n_iter_no_change": 20}
SMALL = {"learning_rate": 0.05, "max_leaf_nodes": 15, "min_samples_leaf": 10, "max_features": 0.5}
SMALL_100, SMALL_200, SMALL_400 = ({**SMALL, "max_iter": trees, "early_stopping": False} for trees in (100, 200, 400))
# A penalty on the leaves: without one, boosted trees diverge where a class has a few rows.
PENALISED = {f"l2 {penalty:g}": {**SMALL_100, "l2_regularization": penalty} for penalty in (0.1, 1.0, 3.0, 10.0)}
SMALL_STOPPING = {**SMALL, "max_iter": 1000, "early_stopping": True, "n_iter_no_change": 20}
CANDIDATES = {
    "regression": {
        "least squares": ("linear_model.LinearRegression", {}),
        "ridge, cross-validated": ("linear_model.RidgeCV", {}),
        "random forest": ("ensemble.RandomForestRegressor", {}),
        "random forest, leaves of 3": (
            "ensemble.RandomForestRegressor",
            {"min_samples_leaf": 3, "max_features": 0.4},
        ),
        "extra trees": ("ensemble.ExtraTreesRegressor", {}),
        "gradient boosting": ("ensemble.GradientBoostingRegressor", {}),
        "hist boosting": ("ensemble.HistGradientBoostingRegressor", {}),
        "hist boosting, slower": ("ensemble.HistGradientBoostingRegressor", SLOWER),
        "hist boosting, stopping": ("ensemble.HistGradientBoostingRegressor", STOPPING),
        "hist boosting, small, 100": ("ensemble.HistGradientBoostingRegressor", SMALL_100),
        "hist boosting, small, 200": ("ensemble.HistGradientBoostingRegressor", SMALL_200),
        "hist boosting, small, 400": ("ensemble.HistGradientBoostingRegressor", SMALL_400),
        "hist boosting, small, stopping": ("ensemble.HistGradientBoostingRegressor", SMALL_STOPPING),
    },
    "classification": {
        "logistic regression": ("linear_model.LogisticRegression", {"max_iter": 1000}),
        "random forest": ("ensemble.RandomForestClassifier", {}),
        "random forest, leaves of 3": ("ensemble.RandomForestClassifier", {"min_samples_leaf": 3}),
        "extra trees": ("ensemble.ExtraTreesClassifier", {}),
        "extra trees, leaves of 3": ("ensemble.ExtraTreesClassifier", {"min_samples_leaf": 3}),
        "gradient boosting": ("ensemble.GradientBoostingClassifier", {}),
        "hist boosting": ("ensemble.HistGradientBoostingClassifier", {}),
        "hist boosting, slower": ("ensemble.HistGradientBoostingClassifier", SLOWER),
        "hist boosting, stopping": ("ensemble.HistGradientBoostingClassifier", STOPPING),
        "hist boosting, small, 100": ("ensemble.HistGradientBoostingClassifier", SMALL_100),
        **{
            f"hist boosting, small, {name}": ("ensemble.HistGradientBoostingClassifier", params)
            for name, params in PENALISED.items()
        },
        "hist boosting, small, 200": ("ensemble.HistGradientBoostingClassifier", SMALL_200),
        "hist boosting, small, stopping": ("ensemble.HistGradientBoostingClassifier", SMALL_STOPPING),
    },
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One candidate on one table: its mean error, and the CPU time for a fit (s) and for
    one row (ms), and the pickle's size (MB)."""

    error: float
    seconds: float
    row: float
    size: float


def measure_table(table: Table, names: list[str]) -> dict[str, Measured]:
    """Measure candidates of the table's task."""
    measured = {}
    for name in names:
        path, params = CANDIDATES[table.task][name]
        with tempfile.TemporaryDirectory() as folder:
            dataset, model = make_model(Path(folder), table, path, params)
        measured[name] = measure_model(dataset, model)
        sys.stderr.write(f"{table.name:<15}{name:<31}{measured[name]}\n")
    return measured


def make_model(folder: Path, table: Table, path: str, params: dict) -> tuple[Dataset, BaseEstimator]:
    (folder / "table").mkdir()
    table.frame.write_csv(folder / "table/data.csv")
    keys = {"title": table.name, "data": "data.csv", "target": table.target, "task": table.task, "holdout": 0}
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    lines += ["[estimator]", f'class = "sklearn.{path}"', "[estimator.params]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in params.items()]
    (folder / "table/model.toml").write_text("\n".join(lines), encoding="utf-8")
    recipe = read_recipe(folder, "table")
    dataset = load_dataset(recipe)
    return dataset, build_pipeline(recipe, dataset.schema)


def measure_model(dataset: Dataset, model: BaseEstimator) -> Measured:
    """Fit and score each fold; the costs are medians."""
    folds = RepeatedStratifiedKFold if dataset.schema.target.classes else RepeatedKFold
    repeats = 3 if len(dataset.target) < 2000 else 1
    splits = folds(n_splits=5, n_repeats=repeats, random_state=0).split(dataset.matrix, dataset.target)
    errors, seconds = [], []
    for training, held_out in splits:
        rows = np.zeros(len(dataset.target), dtype=bool)
        rows[training] = True
        started = time.process_time()
        fitted = fit_model(model, dataset, rows)
        seconds.append(time.process_time() - started)
        errors.append(measure_error(fitted, dataset, held_out))
    row = time_row(fitted, dataset)
    size = len(pickle.dumps(fitted)) / 1e6
    return Measured(error=fmean(errors), seconds=median(seconds), row=row, size=size)


def measure_error(fitted: BaseEstimator, dataset: Dataset, rows: np.ndarray) -> float:
    classes = len(dataset.schema.target.classes)
    predictions, actual = predict_rows(fitted, dataset.matrix[rows], classes), dataset.target[rows]
    if classes:
        return score_classification(actual, predictions.predicted, predictions.probabilities)["log_loss"]
    return score_regression(actual, predictions.predicted)["rmse"]


def time_row(fitted: BaseEstimator, dataset: Dataset) -> float:
    """Milliseconds of CPU time for one row."""
    times = []
    for i in range(20):
        started = time.process_time()
        fitted.predict(dataset.matrix[i : i + 1])
        times.append(time.process_time() - started)
    return median(times) * 1000


def write_markdown(results: dict[str, dict[str, Measured]]) -> str:
    """Two tables: the candidates over all tables, and the relative errors table by table."""
    names = list(next(iter(results.values())))
    relative = {
        table: {name: each[name].error / min(other.error for other in each.values()) for name in names}
        for table, each in results.items()
    }
    ranks = {name: fmean(sorted(each.values()).index(each[name]) + 1 for each in relative.values()) for name in names}
    lines = ["| candidate | mean rank | relative error | worst | fits, s | one row, ms | largest, MB |"]
    lines.append("|---" * 7 + "|")
    for name in sorted(names, key=lambda name: ranks[name]):
        errors = [each[name] for each in relative.values()]
        costs = [each[name] for each in results.values()]
        lines.append(
            f"| {name} | {ranks[name]:.1f} | {geometric_mean(errors):.3f} | {max(errors):.2f}"
            f" | {sum(cost.seconds for cost in costs):.1f} | {median(cost.row for cost in costs):.1f}"
            f" | {max(cost.size for cost in costs):.1f} |"
        )
    lines += ["", f"| table | best | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for table, each in relative.items():
        best = min(measured.error for measured in results[table].values())
        lines.append(f"| {table} | {best:.4g} | {' | '.join(f'{each[name]:.3f}' for name in names)} |")
    return "\n".join(lines)


def main(task: str, names: list[str]) -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)  # A plain logistic regression is measured as it is.
    warnings.filterwarnings("ignore", message="The least populated class")  # That is what some tables are there for.
    tables = regression_tables() if task == "regression" else classification_tables()
    results = {}
    for table in tables:
        try:
            results[table.name] = measure_table(table, names or list(CANDIDATES[task]))
        except TrainingError as error:
            # One that stops early sets rows of each class aside, and cannot where a class has a single one.
            sys.stderr.write(f"{table.name} is left out: {error}\n")
    sys.stdout.write(write_markdown(results) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
