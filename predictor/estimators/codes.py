"""Codes of categories as CatBoost takes them. Signed pickles name this function: do not rename it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from predictor.schema.values import Matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A missing category is a category of its own, before the codes that count from 0.
MISSING_CODE = -1


def write_codes(matrix: Matrix, *, choices: dict[int, int]) -> "NDArray[Any]":
    """The same matrix as objects: whole numbers in the columns of `choices`, −1 where missing, and floats elsewhere.

    `choices` has the number of choices by column.
    """
    written = np.asarray(matrix).astype(object)
    for column in choices:
        codes = matrix[:, column]
        written[:, column] = np.where(np.isnan(codes), MISSING_CODE, codes).astype(np.int64)
    return written
