"""An estimator made elsewhere that was fitted on the very codes of categories, not on their positions.

Signed pickles name this class, its module and its fields: do not rename any of them.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from predictor.schema.table import Inputs, Table
from predictor.schema.values import Vector, recode


@dataclass(frozen=True, kw_only=True, eq=False)
class Coded:
    """Gives its estimator, for some columns of the matrix, the number that each position stands for.

    `numbers` has these numbers by column, those of position 0 first.
    """

    estimator: Any
    numbers: dict[int, tuple[float, ...]]

    def __str__(self) -> str:
        return str(self.estimator)

    @property
    def classes_(self) -> Any:
        """The codes of the classes, shape (classes,)."""
        return self.estimator.classes_

    def predict(self, inputs: Inputs) -> Vector:
        """Predict numbers or class codes, shape (n,), for a matrix of shape (n, features) or a table of n rows."""
        predictions: Vector = self.estimator.predict(self.decode(inputs))
        return predictions

    @property
    def predict_proba(self) -> Any:
        """Probabilities for a matrix, shape (n, classes), in the order of `classes_`; only where there are any."""
        predict_proba = self.estimator.predict_proba
        return lambda inputs: predict_proba(self.decode(inputs))

    def decode(self, inputs: Inputs) -> Inputs:
        """The same inputs with numbers in place of positions; missing values stay missing."""
        matrix = inputs.matrix if isinstance(inputs, Table) else inputs
        decoded = matrix.copy()
        for column, numbers in self.numbers.items():
            decoded[:, column] = recode(matrix[:, column], np.array([*numbers, np.nan]))
        return replace(inputs, matrix=decoded) if isinstance(inputs, Table) else decoded
