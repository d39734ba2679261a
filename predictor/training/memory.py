"""Estimates how much memory a training takes, and refuses one that would not fit, before it begins.

The factors are fitted to peaks of whole retrains, which docs/jobs.md lists with the errors of the estimates.
"""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import Pipeline

from predictor import memory
from predictor.exceptions import TrainingError
from predictor.formats import write_count
from predictor.schema.kinds import Category
from predictor.training.boosters import takes_categories
from predictor.training.compiling.trees import MOST_NODES
from predictor.training.dataset import Dataset
from predictor.training.grouping import is_wide
from predictor.training.pipeline import build_pipeline, find_inner
from predictor.training.recipe import Recipe

TAKES_CODES = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
FORESTS = (RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier, ExtraTreesRegressor)
# Of the report's figures, and of what is imported to draw them.
BASE_BYTES = 75_000_000
# Of the encoded matrix, what a fit holds next to it: the training rows, and a copy of them that is scaled.
COPIES = 2
# Of each row and class: probabilities of the model and of its folds, losses, and gradients.
BYTES_OF_A_CLASS = 100
# Of a text, its terms and their counts.
BYTES_OF_A_CHARACTER = 20
# A node takes more while the model is compiled than in scikit-learn.
BYTES_OF_A_NODE, BYTES_OF_A_COMPILED_NODE = 100, 470
# Of the rows, a bootstrap sample has so many different ones.
SHARE_OF_A_SAMPLE = 0.63


def check_memory(recipe: Recipe, dataset: Dataset) -> None:
    """Raise TrainingError, with the figures, where a training would need more memory than this process may have."""
    if not memory.limit:
        return
    needed = memory.measure_own() + estimate_training(dataset, build_pipeline(recipe, dataset.schema))
    if needed > memory.limit:
        shape = f"{write_count(len(dataset.target), 'row')} and {write_count(len(dataset.schema.features), 'input')}"
        most = f"{memory.limit // memory.MEGABYTE:,} MB are left for it (WORKER_MEMORY_MB)"
        raise TrainingError(
            f"a training on {shape} needs about {needed // memory.MEGABYTE:,} MB of memory, and {most}: set that higher"
            " where there is more, or use fewer rows or a smaller model.",
            code="training_too_large",
            megabytes=needed // memory.MEGABYTE,
            limit=memory.limit // memory.MEGABYTE,
        )


def estimate_training(dataset: Dataset, model: BaseEstimator) -> int:
    """About how many bytes fitting, measuring and compiling take beyond what is held once the table is read."""
    rows, estimator = len(dataset.target), find_last(model)
    fitting = COPIES * 8 * rows * count_columns(dataset, estimator)
    classes = BYTES_OF_A_CLASS * rows * len(dataset.schema.target.classes)
    texts = BYTES_OF_A_CHARACTER * sum(len(text or "") for column in dataset.texts.values() for text in column)
    return max(BASE_BYTES, fitting + classes + texts + measure_forest(estimator, int(dataset.training.sum())))


def find_last(model: Any) -> Any:
    """The estimator behind the steps of a pipeline, or in the transform of its target."""
    inner = find_inner(model)
    return find_last(inner.steps[-1][1]) if isinstance(inner, Pipeline) else inner


def count_columns(dataset: Dataset, estimator: Any) -> int:
    """How many columns the estimator gets, of which a category has one for each choice, unless it takes codes."""
    schema = dataset.schema
    if isinstance(estimator, TAKES_CODES) or takes_categories(estimator, schema):
        return len(schema.features)
    return sum(
        len(feature.choices) if isinstance(feature, Category) and not is_wide(len(feature.choices)) else 1
        for feature in schema.features
    )


def measure_forest(estimator: Any, rows: int) -> int:
    """The bytes of a forest's nodes, also as a compiled model; 0 for any other estimator."""
    if not isinstance(estimator, FORESTS):
        return 0
    leaves = rows * (SHARE_OF_A_SAMPLE if estimator.bootstrap else 1)
    if isinstance(estimator.min_samples_leaf, int):
        leaves /= estimator.min_samples_leaf
    leaves = min(leaves, estimator.max_leaf_nodes or leaves, 2.0 ** min(estimator.max_depth or 60, 60))
    nodes = 2 * leaves * estimator.n_estimators
    return int(nodes * (BYTES_OF_A_COMPILED_NODE if nodes <= MOST_NODES else BYTES_OF_A_NODE))
