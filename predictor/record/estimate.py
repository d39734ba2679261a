"""The quality that is expected of a window of predictions before outcomes, as `manage.py monitor` stores it."""

from typing import Literal

import msgspec

from predictor.record.loss_model import EstimatedMetric

State = Literal["well", "alarm", "cannot say"]

# Of fewer predictions, nothing is said.
FEWEST_ROWS = 100
# Why nothing can be said.
Reason = Literal["nothing kept", "few rows", "unlike training", "imprecise"]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The accuracy, 0 to 1, or the MAE, in the target's unit, that the outcomes of a window are expected to show.

    Without a `value` there is a `reason` why nothing can be said.
    """

    # How many predictions of the version were taken.
    rows: int
    metric: EstimatedMetric | None = None
    value: float | None = None
    # Where the metric will be with 95 % confidence, if outcomes depend on inputs as they did in training.
    lower: float | None = None
    upper: float | None = None
    # The metric on the hold-out, and the radius of its 95 % interval.
    promised: float | None = None
    promised_radius: float = 0.0
    # The share of the predictions with inputs that training did not have.
    outside: float = 0.0
    reason: Reason | None = None
    state: State = "cannot say"
