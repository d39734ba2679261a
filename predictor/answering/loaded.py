"""A loaded model: from encoded inputs to numbers or classes. It needs neither Django nor a database."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from predictor.estimators.compiled import CompiledModel
from predictor.estimators.limited import Thresholded
from predictor.estimators.on_table import OnTable
from predictor.record.interval import MeasuredInterval
from predictor.schema.schema import Schema
from predictor.schema.table import Inputs
from predictor.schema.values import Matrix, Vector


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedModel:
    """An estimator in memory, compiled or unpickled, with the schema of its inputs and the interval of its numbers."""

    schema: Schema
    estimator: Any
    interval: MeasuredInterval | None = None

    # An overflow is found in the output, and needs no warning from numpy.
    @np.errstate(over="ignore", invalid="ignore")
    def ask(self, inputs: Inputs) -> "tuple[Vector, Matrix | None]":
        """Numbers or class codes, shape (n,), and probabilities, where it is a classification that has them."""
        is_classification = self.schema.target.task == "classification"
        if isinstance(self.estimator, CompiledModel) or (
            is_classification and isinstance(self.estimator, OnTable | Thresholded)
        ):
            return self.estimator.predict_with_probabilities(inputs)
        predicted = np.asarray(self.estimator.predict(inputs), dtype=np.float64).reshape(-1)
        if not is_classification or not hasattr(self.estimator, "predict_proba"):
            return predicted, None
        return predicted, self.estimator.predict_proba(inputs)
