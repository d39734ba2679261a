"""How far two predictions may differ and still count as the same."""

import numpy as np

from predictor.schema.kinds import Task
from predictor.schema.values import Vector

# The same training on another CPU sums in another order (BLAS, SIMD). Its predictions then differ by float64's unit
# roundoff, 1.1e-16, times the condition number of the problem (Higham 2002, "Accuracy and Stability of Numerical
# Algorithms", section 1.6): a millionth allows for one of 1e10, and is far below the rounding of a shown prediction.
TOLERANCE = 1e-6
# Where the target hardly varies, the rounding of its numbers is larger than that.
ROUNDINGS = 8


def find_tolerance(target: Vector, task: Task) -> float:
    """The difference up to which two predictions are the same, in the unit of the predictions.

    `target` has shape (n,). For a regression it is 1e-6 of its standard deviation, and for probabilities 1e-6. It
    applies to losses too: predictions that differ by no more have an MAE and an RMSE that differ by no more.
    """
    if task == "classification":
        return TOLERANCE
    rounding = ROUNDINGS * float(np.spacing(np.abs(target).max()))
    return max(TOLERANCE * float(target.std()), rounding)
