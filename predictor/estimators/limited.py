"""Fitted estimators whose output is limited by the recipe, with the interface of the estimator inside.

Signed pickles name these classes, their module and their fields: do not rename any of them.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from predictor.schema.table import Inputs
from predictor.schema.values import Matrix, Vector

# What is a threshold on paper may be a little less as a sum: 0.1 + 0.2 is not 0.3, and trees add hundreds of shares.
CLOSE = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Limited:
    """A regression that predicts at least `minimum` and at most `maximum`, in the target's unit."""

    estimator: Any
    minimum: float = -math.inf
    maximum: float = math.inf

    def __str__(self) -> str:
        return str(self.estimator)

    def predict(self, inputs: Inputs) -> Vector:
        """Predict numbers, shape (n,), for n rows; one that is not finite stays so."""
        predicted = np.asarray(self.estimator.predict(inputs), dtype=np.float64).reshape(-1)
        return np.where(np.isfinite(predicted), predicted.clip(self.minimum, self.maximum), predicted)


@dataclass(frozen=True, kw_only=True, eq=False)
class Thresholded:
    """A classification in two classes that answers `positive` where that has a probability of `threshold` or more.

    `positive` and `negative` are the codes of the classes.
    """

    estimator: Any
    threshold: float
    positive: int
    negative: int

    def __str__(self) -> str:
        return str(self.estimator)

    @property
    def classes_(self) -> Any:
        """The codes of the classes that the estimator was fitted on."""
        return self.estimator.classes_

    def predict(self, inputs: Inputs) -> Vector:
        """Predict class codes, shape (n,), for n rows."""
        return self.predict_with_probabilities(inputs)[0]

    def predict_with_probabilities(self, inputs: Inputs) -> tuple[Vector, Matrix]:
        """Both at once: the codes follow from the probabilities, and preparing texts takes longer than all else."""
        probabilities = self.predict_proba(inputs)
        is_positive = probabilities[:, np.asarray(self.classes_) == self.positive] >= self.limit
        return np.where(is_positive.any(axis=1), float(self.positive), float(self.negative)), probabilities

    @property
    def limit(self) -> float:
        return self.threshold - CLOSE

    def predict_proba(self, inputs: Inputs) -> Matrix:
        """Probabilities, shape (n, classes), in the order of `classes_`."""
        probabilities: Matrix = self.estimator.predict_proba(inputs)
        return probabilities
