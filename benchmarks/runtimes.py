"""Measures the time of a prediction by a compiled model and by the estimator that it was made from, in microseconds.

    python -m benchmarks.runtimes

Each number is the median of repeated calls in one thread, on made-up rows; nothing is stored.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from predictor.estimators.compiled import CompiledModel
from predictor.training.compiling.compilation import compile_model

ROWS, SECONDS = 2_000, 0.5


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
    print("| model | pickle, 1 row | compiled | pickle, 64 rows | compiled |\n|---|---|---|---|---|")
    for name, (model, answers) in models.items():
        fitted = model.fit(matrix, answers)
        compiled = CompiledModel(compile_model(fitted, matrix.shape[1]).data)
        asked = [(each, matrix[:rows]) for rows in (1, 64) for each in (fitted, compiled)]
        print(f"| {name} | {' | '.join(f'{measure(each.predict, rows):,.0f}' for each, rows in asked)} |")


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
