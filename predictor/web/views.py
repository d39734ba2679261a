from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_http_methods, require_safe

from predictor.access.predictions import count_request
from predictor.access.shares import RateExceeded
from predictor.checks.static_files import find_uncollected
from predictor.exceptions import InvalidInput, ModelNotFound, ModelNotReady, ModelRetired, NoAnswer
from predictor.models import Prediction
from predictor.serving.runtime import Runtime
from predictor.serving.service import service
from predictor.web.answers import render_prediction
from predictor.web.forms import PredictionForm, name_problems, parse_typed, read_typed
from predictor.web.own_answers import remember_answer
from predictor.web.pages import SeeOther, render_page, wants_fragment
from predictor.web.pieces import get_form_pieces
from predictor.web.waits import describe_excess


@require_http_methods(["GET", "HEAD", "POST"])
def show_model(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a model's form; for a POST, parse, predict and store, then redirect to the page of the prediction."""
    runtime = service.get_runtime(slug)
    if request.method != "POST":
        return _render_form(request, runtime)
    try:
        count_request(request)
        row = parse_typed(runtime.schema.translated, request.POST)
        [prediction] = service.predict(runtime, [row], Prediction.Source.FORM)
    except (InvalidInput, NoAnswer) as error:
        return show_invalid_form(request, runtime, name_problems(error))
    except RateExceeded as error:
        response = show_invalid_form(request, runtime, {"": describe_excess(error)}, 429)
        response["Retry-After"] = error.seconds
        return response
    if wants_fragment(request):
        response = render_prediction(request, prediction, outcomes=[])
        response["HX-Push-Url"] = prediction.get_absolute_url()
    else:
        response = SeeOther(prediction.get_absolute_url())
    remember_answer(request, response, prediction.id)
    return response


@require_safe
def show_icon(request: HttpRequest) -> HttpResponse:
    """Redirect to the icon: browsers ask for /favicon.ico on pages that name none, such as the admin's."""
    return redirect(static("icon.svg"))


@require_safe
def show_health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def show_readiness(request: HttpRequest) -> HttpResponse:
    """200 once this process serves the live version of the default model, or of all where there is none.

    Also where that model is retired: the history and all other models are still served.
    """
    if find_uncollected():
        return HttpResponse("static files were not collected\n", content_type="text/plain", status=503)
    try:
        service.check_site_ready()
    except ModelRetired as error:
        return HttpResponse(f"ready; {error}\n", content_type="text/plain")
    except ModelNotReady as error:
        return HttpResponse(f"{error.problem}\n", content_type="text/plain", status=503)
    except ModelNotFound as error:
        return HttpResponse(f"{error}\n", content_type="text/plain", status=503)
    return HttpResponse("ready\n", content_type="text/plain")


def _render_form(request: HttpRequest, runtime: Runtime) -> HttpResponse:
    typed = {name: str(text) for name, text in read_typed(runtime.schema, request.GET).items()}
    empty_form, not_taken = get_form_pieces(runtime).fill_typed(get_token(request), typed)
    context = {**_describe_form(runtime), "empty_form": empty_form, "not_taken": not_taken}
    return render_page(request, "predictor/form.html", context)


def show_invalid_form(
    request: HttpRequest, runtime: Runtime, messages: Mapping[str, str], status: int = 422
) -> HttpResponse:
    """The form with what was typed, and with what is to be fixed."""
    response = show_typed(request, runtime, request.POST, messages, status)
    if wants_fragment(request):
        # The errors are at the fields, wherever the answer would have gone.
        response["HX-Retarget"], response["HX-Reswap"] = "#main", "innerHTML show:window:top"
    return response


def show_typed(
    request: HttpRequest,
    runtime: Runtime,
    typed: QueryDict,
    messages: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The form with all that was typed, however long, and with the messages about it, by the name of the field."""
    form = PredictionForm(runtime.schema.translated, typed)
    form.add_errors(messages or {})
    pieces = get_form_pieces(runtime)
    context = {**_describe_form(runtime), "form": form, "groups": pieces.group(form), "action": pieces.action}
    return render_page(request, "predictor/form.html", {**context, "is_next_to_form": False}, status)


def _describe_form(runtime: Runtime) -> dict[str, Any]:
    version = runtime.version
    described = {"models": service.list_live(), "slug": version.model, "version": version, "form": None}
    return {**described, "takes_files": settings.FILES}
