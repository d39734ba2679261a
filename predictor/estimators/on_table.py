"""Estimators that were fitted here on tables with texts, with the interface of those that take a matrix.

Signed pickles name what is defined here, the module and its fields: do not rename any of them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from predictor.schema.table import Inputs, to_input
from predictor.schema.values import Matrix, Vector


@dataclass(frozen=True, kw_only=True, eq=False)
class OnTable:
    """A fitted estimator that is given what `Table.to_input` makes of a table."""

    estimator: Any

    def __str__(self) -> str:
        return str(self.estimator)

    @property
    def classes_(self) -> Any:
        """The codes of the classes, shape (classes,)."""
        return self.estimator.classes_

    def predict(self, inputs: Inputs) -> Vector:
        """Predict numbers or class codes, shape (n,), for a table of n rows."""
        return np.asarray(self.estimator.predict(to_input(inputs)), dtype=np.float64).reshape(-1)

    @property
    def predict_proba(self) -> Any:
        """Probabilities for a table, shape (n, classes), in the order of `classes_`; only where there are any."""
        predict_proba = self.estimator.predict_proba
        return lambda inputs: predict_proba(to_input(inputs))

    def predict_with_probabilities(self, inputs: Inputs) -> "tuple[Vector, Matrix | None]":
        """Both at once, since preparing texts takes longer than all else; without probabilities, None."""
        rows, last = to_input(inputs), self.estimator
        if not hasattr(last, "predict_proba"):
            return self.predict(inputs), None
        if hasattr(last, "steps"):
            for _, step in last.steps[:-1]:
                rows = step.transform(rows)
            last = last.steps[-1][1]
        return np.asarray(last.predict(rows), dtype=np.float64).reshape(-1), last.predict_proba(rows)


def to_numbers(rows: Any) -> Matrix:
    """The columns of numbers next to texts, which come as objects, as the float64 matrix that they are elsewhere."""
    return np.asarray(rows, dtype=np.float64)
