"""Measures drift: how long it takes for many predictions, in how much memory, what it finds, and how often wrongly.

    OMP_NUM_THREADS=1 python -m benchmarks.drift [--rows 1000000] [--windows 100]

Inputs are made by a seed: 14 numbers that go together, one of them with gaps, and 6 categories. The reference is that
of 5,000 training rows, and the smaller windows have 1,000 rows: of the same distribution, or with one change.
"""

import argparse
import time
from datetime import UTC, datetime

import numpy as np

from predictor.metrics.losses import Predictions
from predictor.monitoring.drift import drift
from predictor.monitoring.window import Window
from predictor.record.drift import Drift
from predictor.record.reference import Reference, write_reference
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.schema.values import Matrix
from predictor.training.dataset import Dataset
from predictor.training.evaluation import HOLD_OUT, Evaluation
from predictor.training.reference import describe_reference
from tests.memory import read_memory

TRAINING_ROWS, WINDOW_ROWS = 5_000, 1_000
NUMBERS, CHOICES = 14, "abcdefghij"
NAMES = [*(f"number {i}" for i in range(NUMBERS)), *(f"category {i}" for i in range(6))]
FEATURES = [
    make_feature(name=name, label=name, kind="number")
    if name.startswith("number")
    else make_feature(name=name, label=name, kind="category", choices=tuple(CHOICES))
    for name in NAMES
]
SCHEMA = Schema(features=tuple(FEATURES), target=Target(name="y", label="y", task="regression"))
CHANGES = ["none", "a number by 0.2 sd", "a number by 0.5 sd", "a category", "gaps", "how numbers go together"]


def make_rows(rows: int, seed: int, change: str = "none") -> Matrix:
    random = np.random.default_rng(seed)
    matrix = np.empty((rows, len(NAMES)))
    together = 0.0 if change == CHANGES[5] else random.normal(size=rows)
    for column in range(NUMBERS):
        matrix[:, column] = together + random.normal(0, 1 if change != CHANGES[5] else 2**0.5, rows)
    for column in range(NUMBERS, len(NAMES)):
        matrix[:, column] = np.minimum(random.geometric(0.4, rows) - 1, len(CHOICES) - 1)
    matrix[random.random(rows) < 0.05, 1] = np.nan
    if change in CHANGES[1:3]:
        matrix[:, 0] += 2**0.5 * (0.2 if change == CHANGES[1] else 0.5)
    if change == CHANGES[3]:
        matrix[random.random(rows) < 0.2, NUMBERS] = 4.0
    if change == CHANGES[4]:
        matrix[random.random(rows) < 0.1, 2] = np.nan
    return matrix


def predict(matrix: Matrix) -> Matrix:
    return matrix[:, 0] + matrix[:, 3]


def make_reference() -> Reference:
    matrix = make_rows(TRAINING_ROWS * 5 // 4, 0)
    held_out = np.arange(len(matrix)) >= TRAINING_ROWS
    predictions = Predictions(predicted=predict(matrix[held_out]))
    described = {"hashes": np.empty(0), "left_out": 0, "sha256": "", "notes": []}
    dataset = Dataset(schema=SCHEMA, matrix=matrix, target=predict(matrix), held_out=held_out, **described)
    evaluation = Evaluation(
        method=HOLD_OUT,
        rows=int(held_out.sum()),
        scores={},
        baseline={},
        predictions=predictions,
        baseline_predictions=predictions,
        actual=predictions.predicted,
    )
    return describe_reference(dataset, evaluation, seed=0)


def make_window(matrix: Matrix) -> Window:
    rows, day = len(matrix), datetime(2026, 1, 1, tzinfo=UTC)
    return Window(
        schema=SCHEMA,
        since=day,
        until=day,
        total=rows,
        versions=np.ones(rows, dtype=np.int64),
        created_at=np.zeros(rows, dtype="datetime64[ms]"),
        sources=np.full(rows, "api"),
        features=matrix,
        fits=np.ones(rows, dtype=bool),
        outputs=predict(matrix),
        outcomes=np.full(rows, np.nan),
    )


def find(reference: Reference, window: Window) -> Drift:
    found = drift(reference, window, version=1)
    assert isinstance(found, Drift)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--windows", type=int, default=100)
    options = parser.parse_args()
    reference = make_reference()
    print(f"The reference of {TRAINING_ROWS:,} rows has {len(write_reference(reference)):,} bytes.")
    find(reference, make_window(make_rows(WINDOW_ROWS, 1)))  # Its libraries are loaded.
    window = make_window(make_rows(options.rows, 1))
    before, started = read_memory("VmHWM"), time.perf_counter()
    found = find(reference, window)
    seconds, peak = time.perf_counter() - started, read_memory("VmHWM")
    print(
        f"{len(window):,} predictions of {len(NAMES)} inputs: {seconds:.1f} s; peak {peak:.0f} MB, {before:.0f} before;"
        f" {'drifted' if found.has_drifted else 'no drift'}"
    )
    print("\n| change | AUC, mean | found by all together | named | any |\n|---|--:|--:|--:|--:|")
    for change in CHANGES:
        rows = [make_rows(WINDOW_ROWS, seed, change) for seed in range(1, options.windows + 1)]
        several = [find(reference, make_window(each)) for each in rows]
        joint = [each.joint for each in several if each.joint]
        shares = [
            np.mean([each.has_shifted for each in joint]),
            np.mean([bool(each.shifted) for each in several]),
            np.mean([each.has_drifted for each in several]),
        ]
        written = " | ".join(f"{share:.0%}" for share in shares)
        print(f"| {change} | {np.mean([each.auc for each in joint]):.3f} | {written} |")


if __name__ == "__main__":
    main()
