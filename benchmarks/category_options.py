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

from msgspec.structs import replace

from benchmarks.against_skrub import FOLDS, MOST_ROWS, load_ours, measure_error, split_rows
from benchmarks.tables import Table, list_tables, load_table
from benchmarks.text_options import write_markdown
from predictor.training import grouping
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
# The limit of one-hot columns, and that of codes without the target's mean next to them.
OPTIONS = {f"one-hot to {limit}": (limit, 255) for limit in (10, 30, 60, 255)}
OPTIONS |= {"native": (255, 255), **{f"native, means above {most}": (255, most) for most in (10, 30, 60)}}


def measure_table(table: Table) -> dict[str, float]:
    measured: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        recipe, dataset = load_ours(Path(folder), table)
    widest = sorted((len(each.choices) for each in dataset.schema.features), reverse=True)[:3]
    assert recipe.estimator is not None
    one_hot = replace(recipe.estimator, params={**recipe.estimator.params, "categorical_features": None})
    for name, (limit, most_codes) in OPTIONS.items():
        grouping.MOST_ONE_HOT, grouping.MOST_CODES = limit, most_codes
        chosen = recipe if name.startswith("native") else replace(recipe, estimator=one_hot)
        model = build_pipeline(chosen, dataset.schema)
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
