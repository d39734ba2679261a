from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from predictor.checks.static_files import find_uncollected
from predictor.exceptions import InvalidInput, ModelNotFound, ModelNotReady, ModelRetired, NoAnswer, OutcomeChanged
from predictor.models import Prediction
from predictor.outcomes import recording as outcomes
from predictor.schema.values import write_value
from predictor.serving.lookup import Lookup
from predictor.serving.runtime import Runtime
from predictor.serving.service import service
from predictor.web.charts import draw_chart
from predictor.web.forms import OutcomeForm, PredictionForm, parse_typed, read_typed
from predictor.web.pages import (
    ShownOutcome,
    describe_interval,
    describe_threshold,
    is_beside_form,
    list_inputs,
    list_outcomes,
    list_probabilities,
    render_page,
    wants_fragment,
)
from predictor.web.pieces import ChartPieces, get_chart_pieces, get_form_pieces
from predictor.web.staff import is_staff

# Built once: a query for each page would take longer to build than PostgreSQL takes to answer it.
stored = Prediction.objects.with_has_outcome()
predictions = Lookup(lambda ids: stored.in_bulk(list(ids)))


class SeeOther(HttpResponseRedirect):
    """A redirect that a POST is followed by a GET to, as the protocol defines it."""

    status_code = 303


@require_http_methods(["GET", "HEAD", "POST"])
def show_model(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a model's form; for a POST, parse, predict and store, then redirect to the page of the prediction."""
    runtime = service.get_runtime(slug)
    if request.method != "POST":
        return _render_form(request, runtime)
    try:
        row = parse_typed(runtime.schema.translated, request.POST)
        [prediction] = service.predict(runtime, [row], Prediction.Source.FORM)
    except InvalidInput as error:
        return _render_invalid_form(request, runtime, error.fields)
    except NoAnswer as error:
        return _render_invalid_form(request, runtime, {"": str(error)})
    if wants_fragment(request):
        response = _render_prediction(request, prediction, outcomes=[])
        response["HX-Push-Url"] = prediction.get_absolute_url()
        return response
    return SeeOther(prediction.get_absolute_url())


@require_safe
def show_prediction(request: HttpRequest, id: UUID) -> HttpResponse:
    prediction = _get_prediction(id)
    outcomes = list_outcomes(prediction) if prediction.has_outcome else []
    return _render_prediction(request, prediction, outcomes)


@require_POST
def record_outcome(request: HttpRequest, id: UUID) -> HttpResponse:
    """Record the outcome that staff enter, then redirect to the prediction's page."""
    if not may_record(request):
        raise PermissionDenied
    prediction = _get_prediction(id)
    form = OutcomeForm(prediction.version.parsed_schema.target, prediction.output, request.POST)
    if form.is_valid():
        raw, seen = request.POST.get("outcome"), form.cleaned_data["seen"]
        try:
            outcomes.record_outcome(prediction, raw, by=request.user.get_username(), seen=seen)
        except InvalidInput as error:
            form.add_error("outcome", error.fields["outcome"])
        except OutcomeChanged as error:
            form.add_error(None, str(error))
    if form.errors:
        return _render_prediction(
            request, prediction, list_outcomes(prediction), form, is_about_outcome=True, status=422
        )
    if wants_fragment(request):
        return _render_prediction(request, prediction, list_outcomes(prediction), is_about_outcome=True)
    return SeeOther(prediction.get_absolute_url() + "#outcome")


def _get_prediction(id: UUID) -> Any:
    """A stored prediction; its version is the object in memory where this process still serves it."""
    prediction = predictions.find(id)
    if prediction is None:
        raise Http404(f"There is no prediction {id}.")
    held = service.find_held(prediction.version_id)
    if held is not None:
        prediction.version = held.version
    return prediction


def may_record(request: HttpRequest) -> bool:
    """Whether the user may record outcomes."""
    return is_staff(request) and request.user.has_perm("predictor.add_outcome")


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
        slugs = [settings.DEFAULT_MODEL] if settings.DEFAULT_MODEL else [each.model for each in service.list_live()]
        for slug in slugs:
            service.check_ready(slug)
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


def _choose_token(request: HttpRequest) -> str:
    """The token of the next form: the one that was just accepted, since a new one and its cookie take longer than a
    prediction; else a new one."""
    return request.POST.get("csrfmiddlewaretoken") or get_token(request)


def _render_invalid_form(request: HttpRequest, runtime: Runtime, messages: Mapping[str, str]) -> HttpResponse:
    """The form with what was typed, and with what is to be fixed."""
    form = PredictionForm(runtime.schema.translated, request.POST)
    form.add_errors(messages)
    context = {**_describe_form(runtime), "form": form, "groups": get_form_pieces(runtime).group(form)}
    response = render_page(request, "predictor/form.html", {**context, "is_beside": False}, 422)
    if wants_fragment(request):
        # The errors are at the fields, wherever the answer would have gone.
        response["HX-Retarget"], response["HX-Reswap"] = "#main", "innerHTML show:window:top"
    return response


def _describe_form(runtime: Runtime) -> dict[str, Any]:
    version = runtime.version
    return {"models": service.list_live(), "slug": version.model, "version": version, "form": None}


def _find_runtime(slug: str) -> Runtime | None:
    """None where the model cannot predict; stored predictions can still be read."""
    try:
        return service.get_runtime(slug)
    except (ModelNotReady, ModelRetired):
        return None


def _render_prediction(
    request: HttpRequest,
    prediction: Prediction,
    outcomes: Sequence[ShownOutcome],
    outcome_form: OutcomeForm | None = None,
    *,
    is_about_outcome: bool = False,
    status: int = 200,
) -> HttpResponse:
    version = prediction.version
    schema = version.parsed_schema
    runtime = _find_runtime(version.model)
    is_live = runtime is not None and runtime.version.id == version.id
    pieces = get_chart_pieces(runtime) if runtime and is_live else ChartPieces(version)
    if outcome_form is None and may_record(request):
        outcome_form = OutcomeForm(schema.target, prediction.output)
    chart = draw_chart(
        schema,
        version.parsed_profile,
        prediction.inputs,
        prediction.output,
        prediction.interval,
        written=str(prediction.written_output),
        base=pieces.base,
    )
    context = {
        "models": service.list_live(),
        "slug": version.model,
        "version": version,
        "prediction": prediction,
        "target": schema.target,
        "output": prediction.written_output,
        "exact_output": write_value(schema.target.restore(prediction.output)),
        "interval": describe_interval(prediction),
        "inputs": list_inputs(prediction),
        "probabilities": list_probabilities(prediction),
        "threshold": describe_threshold(schema.target),
        "chart": chart,
        "backdrop": pieces.get_backdrop(chart),
        "next_form": runtime
        and not is_beside_form(request)
        and get_form_pieces(runtime).fill(_choose_token(request), prediction.inputs),
        "retired_at": service.find_retired_at(version.model),
        "outcomes": outcomes,
        "outcome_form": outcome_form,
        "is_about_outcome": is_about_outcome and wants_fragment(request),
    }
    return render_page(request, "predictor/prediction.html", context, status)
