from uuid import UUID

from django.conf import settings
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.templatetags.static import static
from django.views.decorators.http import require_http_methods, require_safe

from predictor.charts import draw_chart
from predictor.exceptions import ModelNotFound, ModelNotReady, NoAnswer
from predictor.models import Prediction, Promotion, Version
from predictor.schema import format_value
from predictor.serving.runtime import Runtime
from predictor.serving.service import service
from predictor.web.forms import PredictionForm, refill_form
from predictor.web.pages import (
    list_inputs,
    list_metrics,
    list_probabilities,
    look_up_moment,
    render_page,
    wants_fragment,
)

MOST_VERSIONS_SHOWN = 50


class SeeOther(HttpResponseRedirect):
    """What follows a POST is a GET, by the words of the protocol and not only by habit."""

    status_code = 303


@require_http_methods(["GET", "HEAD", "POST"])
def show_default(request: HttpRequest) -> HttpResponse:
    return show_model(request, settings.DEFAULT_MODEL)


@require_http_methods(["GET", "HEAD", "POST"])
def show_model(request: HttpRequest, slug: str) -> HttpResponse:
    """A model's form; what is posted is parsed, predicted and stored, and the answer's own page follows."""
    runtime = service.get_runtime(slug)
    if request.method != "POST":
        return _render_form(request, runtime, PredictionForm(runtime.schema))
    form = PredictionForm(runtime.schema, request.POST)
    if not form.is_valid():
        return _render_form(request, runtime, form, status=422)
    try:
        [prediction] = service.predict(runtime, [form.row], Prediction.Source.FORM)
    except NoAnswer as error:
        form.add_error(None, str(error))
        return _render_form(request, runtime, form, status=422)
    if wants_fragment(request):
        response = _render_prediction(request, prediction)
        response["HX-Push-Url"] = prediction.get_absolute_url()
        return response
    return SeeOther(prediction.get_absolute_url())


@require_safe
def show_prediction(request: HttpRequest, id: UUID) -> HttpResponse:
    prediction = get_object_or_404(Prediction.objects.select_related("version"), id=id)
    return _render_prediction(request, prediction)


@require_safe
def show_about(request: HttpRequest, slug: str) -> HttpResponse:
    """What a model is, what it is worth, and when each of its versions went live."""
    live = Version.objects.find_live(slug)
    if live is None:
        raise Http404(f"There is no model {slug!r}.")
    promotions = Prefetch("promotions", Promotion.objects.order_by("id"))
    versions = Version.objects.filter(model=slug).prefetch_related(promotions).order_by("-number")
    context = {
        "models": service.list_live(),
        "slug": slug,
        "version": live,
        "schema": live.parsed_schema,
        "metrics": list_metrics(live),
        "classes": [format_value(label) for label in live.parsed_schema.target.classes],
        "chart": draw_chart(live.parsed_schema, live.profile, {}, None),
        "versions": versions[:MOST_VERSIONS_SHOWN],
        "moment": look_up_moment(slug, request.GET.get("at", "")),
    }
    return render_page(request, "predictor/about.html", context)


@require_safe
def show_icon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for an icon on pages that name none, such as the admin's."""
    return redirect(static("icon.svg"))


@require_safe
def show_health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def show_readiness(request: HttpRequest) -> HttpResponse:
    """200 once this process serves the default model's live version."""
    try:
        service.check_ready(settings.DEFAULT_MODEL)
    except (ModelNotFound, ModelNotReady) as error:
        return HttpResponse(f"{error}\n", content_type="text/plain", status=503)
    return HttpResponse("ready\n", content_type="text/plain")


def _render_form(request: HttpRequest, runtime: Runtime, form: PredictionForm, status: int = 200) -> HttpResponse:
    version = runtime.version
    context = {"models": service.list_live(), "slug": version.model, "version": version, "form": form}
    return render_page(request, "predictor/form.html", context, status)


def _render_prediction(request: HttpRequest, prediction: Prediction) -> HttpResponse:
    version = prediction.version
    target = version.parsed_schema.target
    try:
        form = refill_form(service.get_runtime(version.model).schema, prediction)
    except ModelNotReady:
        form = None  # The kept answer can still be read when the next one cannot be given.
    context = {
        "models": service.list_live(),
        "slug": version.model,
        "version": version,
        "prediction": prediction,
        "target": target,
        "output": format_value(prediction.output),
        "inputs": list_inputs(prediction),
        "probabilities": list_probabilities(prediction),
        "chart": draw_chart(version.parsed_schema, version.profile, prediction.inputs, prediction.output),
        "form": form,
    }
    return render_page(request, "predictor/prediction.html", context)
