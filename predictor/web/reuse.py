"""An answer's inputs, to be used again: in the model's form, and in requests to the API."""

from collections.abc import Mapping
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from predictor.schema.schema import Schema
from predictor.schema.values import Value
from predictor.serving.service import service
from predictor.web.answers import find_prediction
from predictor.web.jinja import make_url
from predictor.web.pages import render_page
from predictor.web.pieces import LONGEST_LINK, get_form_pieces, list_typed
from predictor.web.snippets import write_snippets


@require_safe
def change_inputs(request: HttpRequest, id: UUID) -> HttpResponse:
    """Redirect to the model's form with a prediction's inputs; show it here where they are too long for a link."""
    prediction = find_prediction(request, id)
    runtime = service.get_runtime(prediction.version.model)
    link = make_form_link(make_url("model", runtime.version.model), runtime.schema, prediction.inputs)
    if len(link) <= LONGEST_LINK:
        return redirect(link)
    context = {
        "models": service.list_live(),
        "slug": runtime.version.model,
        "version": runtime.version,
        "form": None,
        "empty_form": get_form_pieces(runtime).fill(get_token(request), prediction.inputs),
    }
    return render_page(request, "predictor/form.html", context)


@require_safe
def show_examples(request: HttpRequest, id: UUID) -> HttpResponse:
    """Requests to the API with a prediction's inputs, as far as the live version has them."""
    prediction = find_prediction(request, id)
    runtime = service.get_runtime(prediction.version.model)
    address = request.build_absolute_uri(reverse("predict", "predictor.api.urls", [runtime.version.model]))
    inputs = {name: value for name, value in prediction.inputs.items() if name in runtime.schema.names}
    with_key = not service.is_free(runtime.version.model)
    context = {
        "models": service.list_live(),
        "slug": runtime.version.model,
        "version": runtime.version,
        "prediction": prediction,
        "snippets": write_snippets(address, inputs, with_key=with_key),
        "needs_key": with_key,
    }
    return render_page(request, "predictor/api_examples.html", context)


def make_form_link(address: str, schema: Schema, inputs: Mapping[str, Value]) -> str:
    """The address of a form with inputs in its query."""
    return f"{address}?{urlencode(list_typed(schema, inputs))}"
