"""The operation that says why a prediction is what it is. It is computed when it is asked for, and not stored."""

from uuid import UUID

import msgspec
from django.conf import settings

from predictor.access.callers import Scope
from predictor.access.visitors import count_explanation
from predictor.api.admission import name_caller
from predictor.api.bodies import Refused
from predictor.api.operations import ApiRequest, operation
from predictor.api.parameters import read_parameters
from predictor.api.predictions import find_prediction
from predictor.exceptions import Overloaded
from predictor.serving.explaining.asking import explain_prediction
from predictor.serving.explaining.measures import CannotExplain, Scale


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """How far an input moved the answer; `error` is the standard error of an estimate, null where it is exact."""

    feature: str
    contribution: float
    error: float | None


class Reasons(msgspec.Struct, frozen=True, kw_only=True):
    """Shapley values: `base`, the mean answer over so many `rows` of typical cases, and all contributions are `value`.

    They are in the unit of the `scale`: of the prediction, or the probability or the log-odds of the predicted class.
    """

    id: UUID
    scale: Scale
    value: float
    base: float
    rows: int
    contributions: list[Contribution]


@operation("GET", scope=Scope.READ, response=Reasons, setting="REASONS", statuses=(404, 409, 410))
def get_reasons(request: ApiRequest, id: UUID) -> Reasons:
    """Say why a prediction is what it is: how far each input moved it from the mean, the largest first.

    One is computed at a time. The status is 409 where there can be none, such as for an input that was not kept.
    """
    read_parameters(request)
    prediction = find_prediction(request, id)
    if not settings.REASONS:
        raise Refused(404, "reasons_off", "This site gives no reasons: REASONS is off.")
    count_explanation(name_caller(request))
    try:
        found = explain_prediction(prediction)
    except CannotExplain as error:
        raise Refused(409, error.reason, error.sentence) from error
    except Overloaded as error:
        problem = "Other predictions are being explained at the moment: try again in a few seconds."
        raise Refused(503, "overloaded", problem) from error
    errors = found.errors or {}
    ordered = sorted(found.contributions.items(), key=lambda item: -abs(item[1]))
    return Reasons(
        id=id,
        scale=found.scale,
        value=found.value,
        base=found.base,
        rows=found.rows,
        contributions=[
            Contribution(feature=name, contribution=value, error=errors.get(name)) for name, value in ordered
        ],
    )
