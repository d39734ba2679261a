"""Why an answer is what it is, and how it would change with one input; computed when it is asked for."""

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from predictor.access.addresses import find_address
from predictor.access.visitors import TooOften, count_explanation
from predictor.exceptions import Overloaded
from predictor.languages import gettext as _
from predictor.models import Prediction
from predictor.serving.explaining.asking import explain_prediction, trace_prediction
from predictor.serving.explaining.measures import CannotExplain
from predictor.serving.service import service
from predictor.web.answers import find_prediction
from predictor.web.curves import describe_curve
from predictor.web.pages import render_page
from predictor.web.shown_reasons import describe_reasons
from predictor.web.waits import describe_wait

logger = logging.getLogger(__name__)

SECONDS_TO_RETRY = 5


@require_safe
def show_reasons(request: HttpRequest, id: UUID) -> HttpResponse:
    """The inputs that pushed an answer up or down the most."""
    prediction = find_prediction(request, id)
    return _show(
        request,
        prediction,
        "predictor/reasons.html",
        lambda: describe_reasons(prediction, explain_prediction(prediction)),
    )


@require_safe
def show_curve(request: HttpRequest, id: UUID) -> HttpResponse:
    """What the model would answer for other values of the input that the query names."""
    prediction, name = find_prediction(request, id), request.GET.get("input", "")
    if name not in [feature["name"] for feature in prediction.version.schema["features"]]:
        raise Http404("There is no such input.")
    return _show(
        request,
        prediction,
        "predictor/curve.html",
        lambda: describe_curve(prediction, trace_prediction(prediction, name)),
    )


def _show(
    request: HttpRequest, prediction: Prediction, template: str, describe: Callable[[], dict[str, Any]]
) -> HttpResponse:
    """The page; where there is no explanation, it says why in the same place, from which htmx takes what it shows."""
    if not settings.REASONS:
        raise Http404("There are no reasons here.")
    status, seconds = 200, 0
    try:
        count_explanation(find_address(request))
        described = describe()
    except CannotExplain as error:
        described = {"cannot": error.sentence}
    except TooOften as error:
        status, seconds, described = 429, error.seconds, {"cannot": describe_wait(error.seconds)}
    except Overloaded as error:
        logger.warning("no explanation: %s", error)
        status, seconds = 503, SECONDS_TO_RETRY
        described = {"cannot": _("Other answers are being explained at the moment. Try again in a few seconds.")}
    version = prediction.version
    context = {
        "models": service.list_live(),
        "slug": version.model,
        "version": version,
        "target": version.target,
        "prediction": prediction,
        "output": prediction.written_output,
        "again": request.get_full_path() if seconds else "",
        **described,
    }
    response = render_page(request, template, context, status)
    if seconds:
        response["Retry-After"] = str(seconds)
    return response
