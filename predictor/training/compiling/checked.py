"""Compiles a trained model, and keeps the result only where it was checked to predict the same."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from predictor.estimators.compiled import CompiledModel
from predictor.record.report import Compilation, SkippedCompilation
from predictor.schema.table import Inputs, take_rows
from predictor.training.compiling.agreement import measure_difference
from predictor.training.compiling.compilation import compile_model
from predictor.training.compiling.edges import make_edge_rows
from predictor.training.compiling.graph import NotCompiled
from predictor.training.dataset import Dataset

MOST_ROWS = 100_000
# Short enough not to delay a retrain noticeably; a slow model is checked on fewer rows.
FIRST_ROWS, SECONDS = 2_000, 0.2


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A checked ONNX model and its bytes; both None where there is none, for the reason in `described`."""

    described: Compilation | SkippedCompilation
    data: bytes | None = None
    model: CompiledModel | None = None


def compile_checked(fitted: Any, dataset: Dataset) -> Checked:
    """Compile a fitted model, and compare the predictions of both for rows of its dataset and for edge cases.

    Never raises: a model that has no compiled form is served by its pickle.
    """
    started = time.perf_counter()
    try:
        inputs = dataset.inputs
        compiled = compile_model(fitted, dataset.matrix.shape[1], dataset.texts.keys())
        model = CompiledModel(compiled.data)
        edges = make_edge_rows(dataset.schema, inputs, compiled.splits)
        is_regression = dataset.schema.target.task == "regression"
        spread = float(dataset.target.std()) if is_regression else None
        difference = measure_difference(fitted, model, edges, spread=spread)
        predicting_since = time.perf_counter()
        rows = _choose_rows(inputs, FIRST_ROWS)
        difference = max(difference, measure_difference(fitted, model, [rows], spread=spread))
        if len(rows) < len(inputs):
            affordable = int(SECONDS / (time.perf_counter() - predicting_since) * FIRST_ROWS)
            rows = _choose_rows(inputs, min(max(affordable, FIRST_ROWS), MOST_ROWS))
            difference = max(difference, measure_difference(fitted, model, [rows], spread=spread))
    except NotCompiled as error:
        return Checked(described=SkippedCompilation(reason=str(error)))
    except Exception as error:  # Estimators and onnxruntime raise anything, and the pickle serves as well.
        reason = f"compiling it failed: {type(error).__name__}: {error}"
        return Checked(described=SkippedCompilation(reason=reason))
    described = Compilation(
        rows=len(rows),
        edge_rows=sum(map(len, edges)),
        difference=difference,
        seconds=time.perf_counter() - started,
    )
    return Checked(described=described, data=compiled.data, model=model)


def _choose_rows(inputs: Inputs, count: int) -> Inputs:
    """All rows, or `count` evenly spaced ones."""
    if len(inputs) <= count:
        return inputs
    return take_rows(inputs, np.linspace(0, len(inputs) - 1, count).astype(np.int64))
