"""Compares our Shapley values with those of shap on the same models; ends with status 1 beyond a tolerance.

    OMP_NUM_THREADS=1 python -m benchmarks.against_shap [--only-times]

Shap runs in an environment of its own, made once below benchmarks/.peers. Each model is fitted once, explained against
the same background of 100 rows, and asked for 20 others. The largest difference may be 1e-6 of the largest value. A
pipeline with one-hot columns is explained by shap's exact explainer on its inputs, since values of the columns, added
up, are others. Inputs are rounded to eighths: shap's TreeExplainer rounds them and thresholds to float32, and where
that moves a row to another leaf, its values do not add up to the answer. Then ours is timed for 20 features, in CPU
time of the process: the first answer, and the median of the next 50.
"""

import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import numpy as np
from sklearn import datasets
from sklearn.base import is_classifier
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.checkouts import ROOT, install

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")
django.setup()

from predictor.estimators.compiled import CompiledModel  # noqa: E402  # After the set-up.
from predictor.models import Version  # noqa: E402
from predictor.schema.kinds import make_feature  # noqa: E402
from predictor.schema.schema import Schema  # noqa: E402
from predictor.schema.target import Target  # noqa: E402
from predictor.serving.explaining.explainer import Explainer  # noqa: E402
from predictor.serving.runtime import Runtime  # noqa: E402
from predictor.training.compiling.compilation import compile_model  # noqa: E402

PEER = ROOT / "benchmarks/peers/shap"
TOLERANCE = 1e-6
BACKGROUND, ASKED, TIMED, SHOWN = 100, 20, 50, 5
ONE_HOT = (OneHotEncoder(handle_unknown="ignore"), [0, 1])


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fitted estimator, and by which of shap's explainers it is compared."""

    title: str
    how: str
    estimator: Any
    rows: np.ndarray
    categories: int = 0


def fit_cases() -> Iterator[Case]:
    numbers, target = datasets.load_diabetes(return_X_y=True)
    numbers = round_to_eighths(numbers)
    for title, how, estimator in (
        ("linear", "linear", LinearRegression()),
        ("forest", "trees", RandomForestRegressor(50, max_leaf_nodes=100, random_state=0)),
        ("boosted", "trees", HistGradientBoostingRegressor(random_state=0)),
    ):
        yield Case(title=title, how=how, estimator=estimator.fit(numbers, target), rows=numbers)
    numbers, classes = datasets.load_breast_cancer(return_X_y=True)
    numbers = round_to_eighths(numbers[:, :20])
    for title, how, estimator in (
        ("logistic, log-odds", "linear", LogisticRegression()),
        ("boosted classes, log-odds", "trees", HistGradientBoostingClassifier(random_state=0)),
        ("forest of classes", "forest of classes", RandomForestClassifier(50, max_leaf_nodes=50, random_state=0)),
    ):
        yield Case(title=title, how=how, estimator=estimator.fit(numbers, classes.astype(float)), rows=numbers)
    rows, target = make_mixed()
    for title, estimator in (
        ("one-hot, linear", Ridge()),
        ("one-hot, forest", RandomForestRegressor(30, max_leaf_nodes=60, random_state=0)),
    ):
        pipeline = make_pipeline(make_column_transformer(ONE_HOT, remainder=StandardScaler()), estimator)
        yield Case(title=title, how="exact", estimator=pipeline.fit(rows, target), rows=rows, categories=2)


def round_to_eighths(numbers: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and deviation 1, whose values and the middles between them are the same in float32."""
    return np.round(StandardScaler().fit_transform(numbers) * 8) / 8


def make_mixed(rows: int = 1_000) -> tuple[np.ndarray, np.ndarray]:
    """Two categories and four numbers, some of which interact."""
    drawn = np.random.default_rng(0)
    codes, numbers = drawn.integers(0, 5, (rows, 2)).astype(float), drawn.normal(size=(rows, 4))
    return np.hstack([codes, numbers]), (codes[:, 0] - 2) * numbers[:, 0] + numbers[:, 1] ** 2 + (codes[:, 1] == 3)


def make_explainer(case: Case) -> Explainer:
    """Ours for the compiled model, against the first rows."""
    features, classes = case.rows.shape[1], ("a", "b") if is_classifier(case.estimator) else ()
    schema = Schema(
        features=tuple(
            make_feature(name=f"f{i}", kind="category", label=f"f{i}", choices=tuple("abcde"), seen=("a",))
            if i < case.categories
            else make_feature(name=f"f{i}", kind="number", label=f"f{i}", seen=(0.0, 1.0))
            for i in range(features)
        ),
        target=Target(name="y", label="y", task="classification" if classes else "regression", classes=classes),
    )
    data = compile_model(case.estimator, features).data
    runtime = Runtime(version=Version(estimator=str(case.estimator)), schema=schema, estimator=CompiledModel(data))
    return Explainer(runtime, case.rows[:BACKGROUND], data)


def explain(explainer: Explainer, row: np.ndarray) -> np.ndarray:
    """Ours for one row: of the number, or of the second class."""
    classes = explainer.runtime.schema.target.classes
    explained = explainer.explain(row, classes[1] if classes else 0.0)
    if explained.errors is not None:
        raise ValueError("this was sampled, and should be exact")
    return np.array([*explained.contributions.values()])


def ask_shap(cases: list[Case]) -> dict[str, np.ndarray]:
    python = install("shap", PEER / "requirements.txt") / "python"
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "questions.pickle", Path(folder) / "answers.npz"
        questions = {
            each.title: {
                "how": each.how,
                "estimator": each.estimator,
                "background": each.rows[:BACKGROUND],
                "rows": each.rows[-ASKED:],
            }
            for each in cases
        }
        asked.write_bytes(pickle.dumps(questions))
        subprocess.run([python, PEER / "explain.py", asked, answered], check=True, capture_output=True)
        with np.load(answered) as found:
            return {name: found[name] for name in found.files}


def compare(cases: list[Case]) -> int:
    """Print both side by side, and return how many models differ."""
    failed, theirs = 0, ask_shap(cases)
    for case in cases:
        explainer = make_explainer(case)
        ours = np.array([explain(explainer, row[None, :]) for row in case.rows[-ASKED:]])
        other = theirs[case.title][..., 1] if theirs[case.title].ndim == 3 else theirs[case.title]
        difference = np.abs(ours - other).max() / np.abs(other).max()
        failed += difference > TOLERANCE
        print(f"\n{case.title}: largest difference {difference:.1e} of the largest value", end="")
        print("" if difference <= TOLERANCE else f", above {TOLERANCE:.0e}: DIFFERS")
        largest = np.argsort(-np.abs(other[0]))[:SHOWN]
        print("  ours", *(f"{value:14.8g}" for value in ours[0][largest]))
        print("  shap", *(f"{value:14.8g}" for value in other[0][largest]))
    return failed


def time_ours() -> None:
    """Print how long ours takes for 20 features."""
    drawn = np.random.default_rng(0)
    rows = drawn.normal(size=(5_000, 20))
    target = rows[:, 0] * rows[:, 1] + np.sin(rows[:, 2] * 2) + rows[:, 3:].sum(axis=1) / 4
    print("\n| 20 features | leaves | first (ms) | median (ms) |\n|---|--:|--:|--:|")
    for title, estimator in (
        ("linear", LinearRegression()),
        ("forest, 10 × 1,000", RandomForestRegressor(10, max_leaf_nodes=1_000, random_state=0)),
        ("forest, 100 × 100", RandomForestRegressor(100, max_leaf_nodes=100, random_state=0)),
        ("boosted, 320 × 31", HistGradientBoostingRegressor(max_iter=320, early_stopping=False, random_state=0)),
        ("boosted, 1,250 × 8", GradientBoostingRegressor(n_estimators=1_250, random_state=0)),
        ("forest, 300 × 100", RandomForestRegressor(300, max_leaf_nodes=100, random_state=0)),
    ):
        case = Case(title=title, how="", estimator=estimator.fit(rows, target), rows=rows)
        explainer = make_explainer(case)
        seconds = []
        for row in rows[-TIMED - 1 :]:
            started = time.process_time()
            explain(explainer, row[None, :])
            seconds.append(time.process_time() - started)
        leaves = len(explainer._trees.paths.weight) if explainer._trees else 0
        print(f"| {title} | {leaves:,} | {seconds[0] * 1000:.0f} | {np.median(seconds[1:]) * 1000:.1f} |")


def main() -> int:
    failed = 0 if "--only-times" in sys.argv else compare(list(fit_cases()))
    time_ours()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
