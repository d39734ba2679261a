"""The columns by which losses are modelled: what a loss model is fitted on, and what it is asked with later."""

from collections.abc import Mapping

import numpy as np

from predictor.metrics.losses import Predictions
from predictor.schema.values import Matrix, Vector, recode


def arrange_columns(matrix: Matrix, predictions: Predictions, codes: Mapping[int, Vector]) -> Matrix:
    """Inputs of shape (n, features), the prediction and, with probabilities, the largest and how far the second is.

    `codes` has, by column, the number for each code, shape (codes + 1,); its last one is for missing and other codes.
    """
    columns = [*matrix.T, predictions.predicted]
    for position, table in codes.items():
        values = columns[position]
        known = (values >= 0) & (values < len(table) - 1)
        columns[position] = recode(np.where(known, values, np.nan), table)
    if predictions.probabilities is not None:
        columns += _compare_probabilities(predictions.probabilities)
    return np.column_stack(columns)


def _compare_probabilities(probabilities: Matrix) -> list[Vector]:
    if probabilities.shape[1] < 2:
        return [probabilities[:, 0], probabilities[:, 0]]
    second, largest = np.partition(probabilities, -2, axis=1)[:, -2:].T
    return [largest, largest - second]
