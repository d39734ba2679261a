"""Wraps an estimator that was made elsewhere so that it takes this site's matrix, and checks that on a sample."""

import copy
import warnings
from collections.abc import Set
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from predictor.estimators.imported import FrameColumn, Imported, ImportedOnFrame, import_pandas
from predictor.exceptions import MlsiteError, ModelFileError, SeveralTargets
from predictor.schema.values import Label
from predictor.texts import take_first_line
from predictor.training.boosters import find_library
from predictor.training.dataset import Dataset
from predictor.training.evaluation import predict_rows
from predictor.training.external import boosted
from predictor.training.external.boosted import takes_categories_of_pandas
from predictor.training.external.model_file import ModelFile
from predictor.training.external.text_columns import list_vectorised
from predictor.training.pipeline import find_nested

# How far predictions for a matrix and for a DataFrame may differ, on one machine: sums are in another order.
CLOSE = 1e-9


def wrap_estimator(
    file: ModelFile, estimator: Any, dataset: Dataset, labels: tuple[Label, ...], coded: Set[str] = frozenset()
) -> Imported:
    """Wrap the estimator for a matrix, else for a DataFrame; it has then predicted for the whole sample.

    `coded` are the categories that it takes as their codes. Raises ModelFileError with the causes where it takes
    neither.
    """
    framed = _list_framed(dataset, coded)
    if framed:
        problem = f"{framed[0]!r} contains texts or dates"
    else:
        try:
            return _wrap_on_matrix(estimator, dataset, labels)
        except SeveralTargets as error:
            raise file.error(describe_outputs(error.count)) from error
        except Exception as error:  # An estimator may raise anything; it may still take a DataFrame.
            problem = _describe_error(error)
    try:
        return _wrap_on_frame(estimator, dataset, labels, coded)
    except SeveralTargets as error:
        raise file.error(describe_outputs(error.count)) from error
    except Exception as error:  # As above.
        raise file.error(_describe_failure(estimator, problem, _describe_error(error))) from error


def describe_outputs(count: int) -> str:
    """Say that an estimator has several targets, and what to save instead."""
    problem = f"it predicts {count} targets at once, and a model here has one"
    return f"{problem}: fit and save an estimator for each, and import each under a slug of its own"


def _describe_failure(estimator: Any, on_matrix: str, on_frame: str) -> str:
    problem = f"the model cannot predict for the sample, neither as a matrix ({on_matrix}) nor as a DataFrame"
    if has_part_on_pandas_categories(estimator) and not takes_categories_of_pandas(estimator):
        cause = "it was fitted on pandas columns of the type “category”, which the site does not make inside a pipeline"
        return f"{cause}: fit it on texts, in a pipeline with an OrdinalEncoder or OneHotEncoder before it"
    if "could not convert string to float" in on_frame:
        cause = f"it takes numbers, and {on_matrix}"
        ways = "add the file of what made numbers of them, such as an encoder, or use a sample with these numbers"
        return f"{cause} ({on_frame}): {ways}, and name them in the model's description"
    if on_matrix == on_frame:
        return f"the model cannot predict for the sample: {on_frame}"
    return f"{problem} ({on_frame})"


def has_part_on_pandas_categories(estimator: Any) -> bool:
    """Whether a part was fitted on pandas categories, by what LightGBM and XGBoost store about that."""
    return any(
        getattr(each, "pandas_categorical", None) or getattr(each, "enable_categorical", False)
        for each in find_nested(estimator)
    )


def _wrap_on_matrix(estimator: Any, dataset: Dataset, labels: tuple[Label, ...]) -> Imported:
    """Raises what the estimator raises, and ModelFileError where predictions for a frame of the same numbers differ."""
    if takes_categories_of_pandas(estimator):
        raise ModelFileError("it was fitted on categories of pandas")
    bare = estimator
    if hasattr(estimator, "feature_names_in_"):
        bare = copy.deepcopy(estimator)
        forget_names(bare)
    on_matrix = Imported(estimator=bare, labels=labels)
    with warnings.catch_warnings():
        # A warning here would be one for each visitor.
        warnings.filterwarnings("error", message=".*feature names")
        predictions = predict_rows(on_matrix, dataset.inputs, len(labels))
    # These libraries find columns by position alone.
    if bare is not estimator and find_library(estimator) is None:
        if dataset.texts:
            raise ModelFileError("it takes its columns by name")
        frame: Any = pl.from_numpy(dataset.matrix, schema=dataset.schema.names)
        by_names = predict_rows(Imported(estimator=estimator, labels=labels), frame, len(labels))
        scale = 1.0 if labels else float(np.abs(by_names.predicted).max())
        if not predictions.equals(by_names, CLOSE * scale):
            raise ModelFileError("its predictions differ from those for named columns")
    return on_matrix


def _wrap_on_frame(estimator: Any, dataset: Dataset, labels: tuple[Label, ...], coded: Set[str]) -> Imported:
    """Raises what the estimator raises, and WrongLibraries where there is no pandas."""
    import_pandas()
    # Vectorisers take no missing text.
    filled = list_vectorised(estimator)
    columns = tuple(replace(each, fills_texts=each.name in filled) for each in _list_columns(dataset, coded))
    if takes_categories_of_pandas(estimator):
        columns = tuple(replace(column, of_pandas=column.kind == "category") for column in columns)
    on_frame = ImportedOnFrame(estimator=estimator, labels=labels, columns=columns)
    predict_rows(on_frame, dataset.inputs, len(labels))
    return on_frame


def _list_columns(dataset: Dataset, coded: Set[str]) -> tuple[FrameColumn, ...]:
    # pandas keeps whole decimals as floats.
    as_floats = dataset.decimals | coded
    return tuple(
        replace(FrameColumn.of(feature), kind="number" if feature.name in as_floats else feature.kind)
        for feature in dataset.schema.features
    )


def _list_framed(dataset: Dataset, coded: Set[str]) -> list[str]:
    """The columns whose numbers in the matrix mean nothing to an estimator made elsewhere."""
    features = (each for each in dataset.schema.features if each.name not in coded)
    return [each.name for each in features if each.kind in ("category", "date", "datetime")]


def prepare_inputs(dataset: Dataset, coded: Set[str]) -> Any:
    """The sample as an estimator gets it: the matrix, or a DataFrame where it contains texts or dates.

    Raises WrongLibraries where there is no pandas.
    """
    if not _list_framed(dataset, coded):
        return dataset.matrix
    return ImportedOnFrame(estimator=None, columns=_list_columns(dataset, coded)).prepare(dataset.matrix)


def forget_names(estimator: Any) -> Any:
    """Remove the column names from a fitted estimator, so that it takes a bare matrix without warning."""
    for each in find_nested(estimator):
        vars(each).pop("feature_names_in_", None)
        boosted.forget_names(each)
    return estimator


def _describe_error(error: Exception) -> str:
    message = take_first_line(error).rstrip(".")
    return message if isinstance(error, MlsiteError) else f"{type(error).__name__}: {message}"
