"""Why an answer is what it is, and how it would change with one input; computed when it is asked for."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from predictor.access.addresses import find_address
from predictor.access.visitors import count_explanation
from predictor.languages import gettext as _
from predictor.languages import gettext_noop
from predictor.models import Prediction
from predictor.serving.explaining.asking import explain_prediction, trace_prediction
from predictor.serving.explaining.measures import CannotExplain
from predictor.serving.service import service
from predictor.web.answers import find_prediction
from predictor.web.curves import describe_curve
from predictor.web.pages import render_page
from predictor.web.shown_reasons import describe_reasons

SENTENCES = {
    "no_background": gettext_noop(
        "Reasons compare an answer with typical cases, and this version has none: it was trained by an earlier release,"
        " or on fewer than 20 rows. The next training makes them."
    ),
    "not_served": gettext_noop(
        "Only answers of the version that is live are explained. This answer is from a former version."
    ),
    "no_probabilities": gettext_noop("This model gives a class without probabilities: there is nothing to add up."),
    "not_finite": gettext_noop("For some of the typical cases this model has no finite answer to compare with."),
    "no_inputs": gettext_noop(
        "Some inputs of this answer are not stored, since they are sensitive: it cannot be explained."
    ),
    "no_range": gettext_noop("This input has no range over which the answer could be drawn."),
}


@require_safe
def show_reasons(request: HttpRequest, id: UUID) -> HttpResponse:
    """The inputs that pushed an answer up or down the most. Raises TooOften, and Overloaded where others wait."""
    prediction = find_prediction(id)
    return _show(
        request,
        prediction,
        "predictor/reasons.html",
        lambda: describe_reasons(prediction, explain_prediction(prediction)),
    )


@require_safe
def show_curve(request: HttpRequest, id: UUID) -> HttpResponse:
    """What the model would answer for other values of the input that the query names."""
    prediction, name = find_prediction(id), request.GET.get("input", "")
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
    if not settings.REASONS:
        raise Http404("There are no reasons here.")
    count_explanation(find_address(request))
    try:
        described = describe()
    except CannotExplain as error:
        described = {"cannot": _(SENTENCES[error.reason])}
    version = prediction.version
    context = {
        "models": service.list_live(),
        "slug": version.model,
        "version": version,
        "target": version.target,
        "prediction": prediction,
        "output": prediction.written_output,
        **described,
    }
    return render_page(request, template, context)
