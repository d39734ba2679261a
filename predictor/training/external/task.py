"""Finds the task of an estimator that was made elsewhere, how many targets it has, and its classes."""

from typing import Any

import numpy as np
import polars as pl
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain

from predictor.schema.kinds import Task
from predictor.schema.values import Label
from predictor.texts import add_article
from predictor.training.external.model_file import ModelFile
from predictor.training.external.wrapping import describe_outputs


def find_task(file: ModelFile, estimator: Any) -> Task:
    """The estimator's task by its tags; without tags, an estimator with classes is a classifier."""
    tags = estimator.__sklearn_tags__() if hasattr(estimator, "__sklearn_tags__") else None
    kind = getattr(tags, "estimator_type", None)
    if kind not in (None, "classifier", "regressor"):
        noun = add_article(kind.replace("_", " "))
        raise file.error(f"its {type(estimator).__name__} is {noun}: only a classifier or a regressor can be served")
    # A regressor of CatBoost has classes_ too.
    is_classifier = kind == "classifier" or (kind is None and hasattr(estimator, "classes_"))
    return "classification" if is_classifier else "regression"


def check_outputs(file: ModelFile, estimator: Any) -> None:
    """Raise ModelFileError for an estimator whose attributes say that it was fitted on several targets."""
    count = _count_outputs(estimator)
    if count > 1:
        raise file.error(describe_outputs(count))


def _count_outputs(estimator: Any) -> int:
    """How many targets an estimator was fitted on, as far as its attributes say; 1 where they do not."""
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    if isinstance(last, MultiOutputRegressor | MultiOutputClassifier | RegressorChain | ClassifierChain):
        return len(getattr(last, "estimators_", ()))
    classes = getattr(last, "classes_", None)
    if isinstance(classes, list):
        # One array of classes for each target. In other classifiers, n_outputs_ may count classes.
        return sum(isinstance(each, np.ndarray | list) for each in classes)
    if classes is not None and len(classes):
        return 1
    # A linear model has a row of coefficients for each target.
    rows = np.shape(getattr(last, "coef_", ()))[:-1]
    return int(getattr(last, "n_outputs_", rows[0] if rows else 1))


def read_labels(file: ModelFile, estimator: Any) -> tuple[Label, ...]:
    """The estimator's own classes, in their order. Raises ModelFileError."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        raise file.error(f"its {type(estimator).__name__} has no classes_: is it fitted?")
    labels = [_read_label(label) for label in np.asarray(classes).tolist()]
    if None in labels:
        raise file.error(f"its classes are {list(classes)!r}: they must be texts, integers, or booleans")
    return tuple(label for label in labels if label is not None)


def _read_label(label: Any) -> Label | None:
    if isinstance(label, float) and label.is_integer():
        return int(label)
    return label if isinstance(label, str | int | bool) else None


def check_numbers(file: ModelFile, estimator: Any, target: pl.Series) -> None:
    """Raise ModelFileError for a target of words where the estimator predicts numbers, as far as it can be seen."""
    if target.dtype == pl.String and not target.str.contains(r"\d").any():
        name = type(estimator).__name__
        problem = f"its {name} predicts numbers, since it lacks the classes_ of a scikit-learn classifier"
        raise file.error(f"{problem}, and the column {target.name!r} of the sample contains words")
