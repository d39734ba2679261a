"""Measures how categories of many values become numbers for boosted trees, on the tables for tuning.

    OMP_NUM_THREADS=1 python -m benchmarks.category_options
    OMP_NUM_THREADS=1 python -m benchmarks.category_options inspections flights

"One-hot to 30" has a column for each value of the categories with at most 30 of them, and the target's mean for the
others; "native" splits on sets of values, which boosted trees on histograms can up to 255 of them. Of a table with more
than 3,000 rows, 3,000 are used. The folds and errors are those of `benchmarks.against_skrub`; names choose among the
tables.
"""

import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import fmean
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from benchmarks.against_skrub import FOLDS, MOST_ROWS, load_ours, measure_error, split_rows
from benchmarks.tables import Table, list_tables, load_table
from benchmarks.text_options import TREES, write_markdown
from predictor.schema.kinds import Category
from predictor.training import pipeline
from predictor.training.dataset import Dataset
from predictor.training.evaluation import fit_model, predict_rows
from predictor.training.pipeline import build_pipeline

TABLES = (
    "neighborhoods",
    "ames",
    "hotel rates by date",
    "inspections",
    "superstore",
    "flights",
    "pets",
    "art",
    "films",
)
TABLES += ("foods", "fast food", "drugs")
LIMITS = {f"one-hot to {limit}": limit for limit in (10, 20, 30, 60, 255, 10_000)}
NATIVE = {"native": 255, "native to 30": 30}


def build_native(dataset: Dataset, most: int) -> Any:
    """Trees that split on sets of codes, after the target's mean for categories of more values."""
    features = dataset.schema.features
    narrow = [
        column for column, each in enumerate(features) if isinstance(each, Category) and len(each.choices) <= most
    ]
    groups = pipeline._group_columns(dataset.schema, scales=False, cyclic=False, takes_missing=True, seed=0)
    others = [(name, step, [each for each in columns if each not in narrow]) for name, step, columns in groups]
    steps = [("codes", "passthrough", narrow), *(each for each in others if each[2])]
    trees = TREES[dataset.schema.target.task]().set_params(categorical_features=list(range(len(narrow))))
    return make_pipeline(ColumnTransformer(steps), trees)


def measure_table(table: Table) -> dict[str, float]:
    measured: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        recipe, dataset = load_ours(Path(folder), table)
    widest = sorted((len(each.choices) for each in dataset.schema.features), reverse=True)[:3]
    for name, limit in (LIMITS | NATIVE).items():
        pipeline.MOST_ONE_HOT = limit
        if min(limit, widest[0]) > 3_000:
            continue
        model = build_native(dataset, limit) if name in NATIVE else build_pipeline(recipe, dataset.schema)
        errors, seconds = [], 0.0
        for training, tested in split_rows(dataset)[:FOLDS]:
            started = time.process_time()
            fitted = fit_model(model, dataset, training)
            seconds += (time.process_time() - started) / FOLDS
            predictions = predict_rows(fitted, dataset.matrix[tested], len(dataset.schema.target.classes))
            errors.append(measure_error(dataset.target[tested], predictions))
        measured[name] = fmean(errors)
        sys.stderr.write(f"{table.name:<20}{widest!s:<20}{name:<20}{measured[name]:10.4g}{seconds:8.2f} s\n")
    return measured


def main() -> None:
    warnings.simplefilter("ignore")
    results = {}
    for listed in list_tables():
        if listed.name in (sys.argv[1:] or TABLES):
            table = load_table(listed).sample(MOST_ROWS)
            results[table.name] = measure_table(table)
    print("\n".join(write_markdown(results)))


if __name__ == "__main__":
    main()
