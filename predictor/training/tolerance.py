"""How far two predictions may lie apart and still be the same."""

import numpy as np

from predictor.schema.kinds import Task
from predictor.schema.values import Vector

# The same training on another CPU adds up in another order (BLAS, SIMD). Its predictions then differ by float64's unit
# roundoff, 1.1e-16, times the condition number of the problem (Higham 2002, "Accuracy and Stability of Numerical
# Algorithms", section 1.6): a millionth leaves room for one of 1e10, and is far below what an answer is rounded to.
TOLERANCE = 1e-6
# For a target that hardly changes at all, its numbers' own rounding is more than that.
ROUNDINGS = 8


def find_tolerance(target: Vector, task: Task) -> float:
    """The difference up to which two predictions are the same, in the unit of the predictions.

    `target` has shape (n,). For a regression it is 1e-6 of its standard deviation, and for probabilities 1e-6. It
    holds for losses too: predictions that lie no further apart have an MAE and an RMSE that lie no further apart.
    """
    if task == "classification":
        return TOLERANCE
    rounding = ROUNDINGS * float(np.spacing(np.abs(target).max()))
    return max(TOLERANCE * float(target.std()), rounding)
