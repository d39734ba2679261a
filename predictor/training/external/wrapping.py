"""Lets an estimator that was made elsewhere answer this site's matrix, and shows on a sample that it does."""

import copy
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from predictor.estimators.imported import FrameColumn, Imported, ImportedOnFrame, import_pandas
from predictor.exceptions import MlsiteError, ModelFileError
from predictor.schema.values import Label
from predictor.texts import take_first_line
from predictor.training.dataset import Dataset
from predictor.training.evaluation import predict_rows
from predictor.training.external.model_file import ModelFile
from predictor.training.pipeline import find_nested

# What two ways into one estimator, on one machine, may differ by: sums are taken in another order.
CLOSE = 1e-9


def wrap_estimator(file: ModelFile, estimator: Any, dataset: Dataset, labels: tuple[Label, ...]) -> Imported:
    """Give the estimator the matrix if that is enough, and else a DataFrame; it has then answered the whole sample.

    Raises ModelFileError, saying what either way met with.
    """
    texts = [feature.name for feature in dataset.schema.features if feature.kind == "category"]
    if texts:
        problem = f"{texts[0]!r} holds texts"
    else:
        try:
            return _wrap_on_matrix(estimator, dataset, labels)
        except Exception as error:  # An estimator raises what it likes; a DataFrame may suit it better.
            problem = _say(error)
    try:
        return _wrap_on_frame(estimator, dataset, labels)
    except Exception as error:  # As above.
        raise file.error(
            f"the model does not answer the sample, neither as a matrix ({problem}) nor as a DataFrame ({_say(error)})"
        ) from error


def _wrap_on_matrix(estimator: Any, dataset: Dataset, labels: tuple[Label, ...]) -> Imported:
    """Raises what the estimator raises, and ModelFileError where a frame of the same numbers gets other predictions."""
    bare = estimator
    if hasattr(estimator, "feature_names_in_"):
        bare = copy.deepcopy(estimator)
        forget_names(bare)
    on_matrix = Imported(estimator=bare, labels=labels)
    with warnings.catch_warnings():
        # What warns once a sample would warn once a visitor.
        warnings.filterwarnings("error", message=".*feature names")
        predictions = predict_rows(on_matrix, dataset.matrix, len(labels))
    if bare is not estimator:
        frame: Any = pl.from_numpy(dataset.matrix, schema=dataset.schema.names)
        by_names = predict_rows(Imported(estimator=estimator, labels=labels), frame, len(labels))
        scale = 1.0 if labels else float(np.abs(by_names.predicted).max())
        if not predictions.equals(by_names, CLOSE * scale):
            raise ModelFileError("the predictions are others than by names")
    return on_matrix


def _wrap_on_frame(estimator: Any, dataset: Dataset, labels: tuple[Label, ...]) -> Imported:
    """Raises what the estimator raises, and WrongLibraries where there is no pandas."""
    import_pandas()
    # pandas keeps decimals where they are whole.
    columns = tuple(
        replace(FrameColumn.of(feature), kind="number" if feature.name in dataset.decimals else feature.kind)
        for feature in dataset.schema.features
    )
    on_frame = ImportedOnFrame(estimator=estimator, labels=labels, columns=columns)
    predict_rows(on_frame, dataset.matrix, len(labels))
    return on_frame


def forget_names(estimator: Any) -> None:
    """Let a fitted estimator take a bare matrix without warning: it remembers no column's name any more."""
    for each in find_nested(estimator):
        vars(each).pop("feature_names_in_", None)


def _say(error: Exception) -> str:
    said = take_first_line(error).rstrip(".")
    return said if isinstance(error, MlsiteError) else f"{type(error).__name__}: {said}"
