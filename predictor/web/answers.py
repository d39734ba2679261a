"""The page of one answer, which is also what htmx gets after a form was sent."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from predictor.exceptions import ModelNotFound, ModelNotReady, ModelRetired, PredictionForgotten
from predictor.models import Prediction, Version
from predictor.schema.values import write_value
from predictor.serving.explaining.asking import loads_quickly
from predictor.serving.lookup import Lookup
from predictor.serving.runtime import Runtime
from predictor.serving.service import service
from predictor.web.access import check_access
from predictor.web.answer_pieces import Actions, AnswerPieces, get_answer_pieces
from predictor.web.charts import draw_chart
from predictor.web.forms import OutcomeForm
from predictor.web.pages import describe_threshold, is_next_to_form, render_page, wants_fragment
from predictor.web.shown import (
    MOST_CLASSES,
    ShownOutcome,
    list_inputs,
    list_outcomes,
    list_probabilities,
)
from predictor.web.staff import may_record

# Built once: a query for each page would take longer to build than PostgreSQL takes to answer it.
stored = Prediction.objects.with_has_outcome()
predictions = Lookup(lambda ids: stored.in_bulk(list(ids)))


@require_safe
def show_prediction(request: HttpRequest, id: UUID) -> HttpResponse:
    prediction = find_prediction(request, id)
    outcomes = list_outcomes(prediction) if prediction.has_outcome else []
    return render_prediction(request, prediction, outcomes)


def find_prediction(request: HttpRequest, id: UUID) -> Any:
    """A stored prediction; its version is the object in memory where this process still serves it.

    Raises Http404 and PredictionForgotten, and SignInNeeded where not everybody may see its model.
    """
    prediction = predictions.find(id)
    if prediction is None:
        raise Http404(f"There is no prediction {id}.")
    held = service.find_held(prediction.version_id)
    if held is not None:
        prediction.version = held.version  # Before anything asks for it, which would be a query.
    if not has_access(request, prediction):
        raise Http404(f"There is no prediction {id}.")
    if prediction.is_forgotten:
        raise PredictionForgotten(f"the prediction {id} was forgotten")
    return prediction


def has_access(request: HttpRequest, prediction: Prediction) -> bool:
    """Whether the visitor may see a prediction's model. Raises SignInNeeded where a visitor has to sign in for it."""
    try:
        check_access(request, prediction.version.model)
    except ModelNotFound:
        return False
    return True


def find_runtime(slug: str) -> Runtime | None:
    """None where the model cannot predict; stored predictions can still be read."""
    try:
        return service.get_runtime(slug)
    except (ModelNotReady, ModelRetired):
        return None


def render_prediction(
    request: HttpRequest,
    prediction: Prediction,
    outcomes: Sequence[ShownOutcome],
    outcome_form: OutcomeForm | None = None,
    *,
    report_form: OutcomeForm | None = None,
    is_about_outcome: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The page of a prediction; after something was sent from it, `is_about_outcome`, focus goes to the outcome."""
    version = prediction.version
    runtime = find_runtime(version.model)
    if outcome_form is None and may_record(request, version.model):
        outcome_form = make_outcome_form(request, prediction)
    elif report_form is None and settings.VISITOR_REPORTS and not outcomes:
        report_form = make_outcome_form(request, prediction)
    pieces = find_pieces(runtime, version)
    actions = Actions(
        predicts=runtime is not None,
        explains=settings.REASONS and runtime is not None and can_explain(runtime, version),
        tries=settings.TRIALS and runtime is not None,
        keeps_history=settings.OWN_HISTORY,
        is_next_to_form=is_next_to_form(request),
    )
    context = {
        "models": service.list_live(),
        "slug": version.model,
        **describe_answer(prediction, pieces),
        "actions": pieces.write_actions(prediction.get_absolute_url(), actions),
        "retired_at": service.find_retired_at(version.model),
        "outcomes": outcomes,
        "outcome_form": outcome_form,
        "report_form": report_form,
        "is_reported": report_form is not None and "reported" in request.GET,
        "is_about_outcome": is_about_outcome and wants_fragment(request),
    }
    return render_page(request, "predictor/prediction.html", context, status)


def make_outcome_form(request: HttpRequest, prediction: Prediction) -> OutcomeForm:
    """With what was typed before the sign-in that it had to wait for."""
    typed = request.GET.get("outcome", "")
    return OutcomeForm(prediction.version.parsed_schema.target, prediction.output, typed=typed)


def can_explain(runtime: Runtime, version: Version) -> bool:
    """Whether answers of a version can have reasons: all of its inputs are stored, and it is live or loads quickly."""
    if runtime.version.id == version.id:
        return not runtime.schema.sensitive
    return not version.parsed_schema.sensitive and loads_quickly(version)


def find_pieces(runtime: Runtime | None, version: Version) -> AnswerPieces:
    """The pieces of a version: those in memory where it is live, `runtime`."""
    is_live = runtime is not None and runtime.version.id == version.id
    return get_answer_pieces(runtime) if runtime and is_live else AnswerPieces(version)


def describe_answer(prediction: Prediction, pieces: AnswerPieces) -> dict[str, Any]:
    """What a page shows of the answer itself."""
    version = prediction.version
    target = version.parsed_schema.target
    output, interval = prediction.written_output, prediction.written_interval
    chart = draw_chart(
        version.parsed_schema,
        version.parsed_profile,
        prediction.inputs,
        prediction.output,
        prediction.interval,
        written=str(output),
        base=pieces.chart.base,
    )
    return {
        "version": version,
        "prediction": prediction,
        "target": target,
        "output": output,
        "exact_output": write_value(target.restore(prediction.output)),
        "interval": interval,
        "range": pieces.draw_range(prediction, output, interval),
        "pieces": pieces,
        # Called where they are shown: next to the form, they are not.
        "list_inputs": list_inputs,
        "probabilities": list_probabilities(prediction),
        "most_classes": MOST_CLASSES,
        "threshold": describe_threshold(target),
        "chart": chart,
        "backdrop": pieces.chart.get_backdrop(chart),
        "chart_keys": pieces.chart.keys,
        "chart_figures": pieces.chart.figures,
    }
