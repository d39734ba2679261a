"""Tells the probabilities of a classifier that was made elsewhere from scores, which must not be shown as such."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from predictor.estimators.imported import Imported
from predictor.estimators.onnx_model import OnnxModel
from predictor.training.dataset import Dataset
from predictor.training.external.model_file import ModelFile

# How far the probabilities of a row may be from a sum of 1, computed in float32.
CLOSE = 1e-3


def keep_probabilities(file: ModelFile, imported: Imported, dataset: Dataset) -> tuple[Imported, list[str]]:
    """The same estimator, without what an ONNX model gives in place of probabilities, and a note about that.

    skl2onnx gives an SVC and a LinearSVC their scores as a second output. Raises ModelFileError for another estimator
    whose probabilities are none.
    """
    if not imported.labels or not hasattr(imported, "predict_proba"):
        return imported, []
    given = np.asarray(imported.predict_proba(dataset.inputs))
    if are_probabilities(given, (len(dataset.target), len(imported.labels))):
        return imported, []
    bare = _leave_out(imported.estimator)
    if bare is None:
        problem = f"its predict_proba gives {np.array2string(given[0], precision=3)} for the first row of the sample"
        raise file.error(f"{problem}, which are not the probabilities of its {len(imported.labels)} classes")
    note = "the model gives scores, which are not probabilities: they are left out"
    return replace(imported, estimator=bare), [note]


def are_probabilities(given: np.ndarray[Any, Any], shape: tuple[int, int]) -> bool:
    """Whether an array is of this shape, (n, classes), and each row of it is of shares of 1."""
    return given.shape == shape and bool((given >= -CLOSE).all() and (np.abs(given.sum(axis=1) - 1) <= CLOSE).all())


def _leave_out(estimator: Any) -> Any:
    """The same ONNX model, alone or at the end of a pipeline, without its scores; None where it needs them."""
    if isinstance(estimator, Pipeline):
        last = _leave_out(estimator.steps[-1][1])
        return last and Pipeline([*estimator.steps[:-1], ("model", last)])
    return replace(estimator, probabilities="") if isinstance(estimator, OnnxModel) and estimator.predicted else None
