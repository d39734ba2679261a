"""Measures the time of a prediction by a compiled model and by the estimator that it was made from, in microseconds.

    python -m benchmarks.runtimes

Each number is the median of repeated calls in one thread, on made-up rows; nothing is stored. LightGBM, XGBoost and
CatBoost are measured where they are installed (requirements-boosters.txt), with the last column as a category.
"""

import importlib
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.preparation import make_reviews
from predictor.estimators.compiled import CompiledModel
from predictor.estimators.imported import Imported
from predictor.schema.kinds import Category, Number
from predictor.schema.schema import Schema
from predictor.schema.table import Table
from predictor.schema.target import Target
from predictor.training.boosters import build_for_categories, find_defaults, find_fit_arguments
from predictor.training.compiling.compilation import compile_model
from predictor.training.pipeline import set_single_job

ROWS, SECONDS = 2_000, 0.5
BOOSTERS = {"lightgbm": "LGBMRegressor", "xgboost": "XGBRegressor", "catboost": "CatBoostRegressor"}
SCHEMA = Schema(
    features=(
        *(Number(name=name, label=name) for name in "abcdefghi"),
        Category(name="j", label="j", choices=tuple("12345")),
    ),
    target=Target(name="y", label="y", task="regression"),
)


def main() -> None:
    chosen = np.random.default_rng(0)
    matrix = np.column_stack([chosen.normal(size=(ROWS, 9)), chosen.integers(0, 5, ROWS)])
    target = matrix[:, 0] + matrix[:, 1] ** 2
    encoding = make_column_transformer((StandardScaler(), list(range(9))), (OneHotEncoder(sparse_output=False), [9]))
    models: dict[str, tuple[Any, Any]] = {
        "linear": (LinearRegression(), target),
        "logistic, scaled and one-hot": (make_pipeline(encoding, LogisticRegression()), target > 1),
        "forest of 100": (RandomForestRegressor(100, random_state=0), target),
        "HistGradientBoosting": (HistGradientBoostingRegressor(), target),
    }
    models |= {name: (model, target) for name, model in make_boosters()}
    print("| model | pickle, 1 row | compiled | pickle, 64 rows | compiled |\n|---|---|---|---|---|")
    for name, (model, answers) in models.items():
        fitted = model.fit(matrix, answers, **find_fit_arguments(model, SCHEMA))
        set_single_job(fitted)
        compiled = CompiledModel(compile_model(fitted, matrix.shape[1]).data)
        print_row(name, fitted, compiled, [matrix[:1], matrix[:64]])
    print_texts()


def print_texts() -> None:
    """Reviews of 20 words, in words and in pieces of words; and one long text of known words, in place of 64."""
    reviews, stars = make_reviews()
    table = make_table(reviews.to_list())
    vectorisers = {
        "TF-IDF of words": TfidfVectorizer(),
        "TF-IDF of words and pairs": TfidfVectorizer(ngram_range=(1, 2)),
        "TF-IDF of 2 to 5 characters in words": TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)),
    }
    for name, vectoriser in vectorisers.items():
        fitted = Imported(
            estimator=make_pipeline(vectoriser, LogisticRegression()).fit(reviews, stars.to_numpy() > 3),
            labels=(False, True),
        )
        compiled = CompiledModel(compile_model(fitted, 1, table.texts).data)
        print_row(f"{name}, logistic", fitted, compiled, [table.take(slice(0, 1)), table.take(slice(0, 64))])
        for length in (1_000, 100_000):
            long = make_table([" ".join(reviews)[:length]])
            print_row(f"{name}, one of {length:,} characters", fitted, compiled, [long])


def make_table(texts: list[str]) -> Table:
    return Table(matrix=np.full((len(texts), 1), np.nan), texts={0: np.array(texts, dtype=object)})


def print_row(name: str, fitted: Any, compiled: CompiledModel, inputs: list[Any]) -> None:
    """The times of both models for each of the inputs."""
    asked = [(each, rows) for rows in inputs for each in (fitted, compiled)]
    print(f"| {name} | {' | '.join(f'{measure(each.predict, rows):,.0f}' for each, rows in asked)} |")


def make_boosters() -> Iterator[tuple[str, Any]]:
    """The pipelines that a recipe would get, of those that are installed."""
    for module, name in BOOSTERS.items():
        try:
            made = getattr(importlib.import_module(module), name)
        except ImportError:
            continue
        yield name, build_for_categories(made(**find_defaults(made, {})), SCHEMA)


def measure(predict: Callable[[Any], Any], rows: Any) -> float:
    """The median microseconds of a call."""
    taken, ends = [], time.perf_counter() + SECONDS
    while time.perf_counter() < ends:
        started = time.perf_counter()
        predict(rows)
        taken.append(time.perf_counter() - started)
    return median(taken) * 1e6


if __name__ == "__main__":
    main()
