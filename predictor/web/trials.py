"""Trials: what a model would answer for other inputs. Nothing of them is kept."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from predictor.access.addresses import find_address
from predictor.access.visitors import TooOften, count_trial
from predictor.exceptions import InvalidInput, NoAnswer
from predictor.formats import Quantity, format_share
from predictor.languages import gettext as _
from predictor.models import Prediction
from predictor.models.answered import Answered
from predictor.schema.target import Target
from predictor.schema.values import write_value
from predictor.serving.runtime import Runtime
from predictor.serving.service import service
from predictor.serving.trials import Trial, try_rows
from predictor.web.answer_pieces import get_answer_pieces
from predictor.web.answers import find_prediction, predictions
from predictor.web.forms import name_problems, parse_typed
from predictor.web.pages import render_page, wants_fragment
from predictor.web.trial_form import TrialForm, get_trial_pieces
from predictor.web.waits import describe_wait


@require_safe
def show_trial_form(request: HttpRequest, id: UUID) -> HttpResponse:
    """The form of trials with an answer's inputs; the answer's page loads it when it is asked for."""
    if not settings.TRIALS:
        raise Http404("There are no trials here.")
    prediction = find_prediction(request, id)
    runtime = service.get_runtime(prediction.version.model)
    if request.GET:  # Typed before the sign-in that the trial had to wait for.
        return _render_typed(request, runtime, TrialForm(runtime.schema.translated, request.GET), prediction, 200)
    form = get_trial_pieces(runtime).fill(get_token(request), prediction, prediction.inputs)
    return _render_page(request, runtime, form, prediction)


@require_POST
def try_inputs(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer inputs as a trial: for htmx the answer alone, else a page with the form. Raises TooOften."""
    if not settings.TRIALS:
        raise Http404("There are no trials here.")
    runtime = service.get_runtime(slug)
    origin = find_origin(request, slug)
    try:
        count_trial(find_address(request))
        [trial] = try_rows(runtime, [parse_typed(runtime.schema.translated, request.POST)])
    except (InvalidInput, NoAnswer) as error:
        return _render_invalid(request, runtime, name_problems(error), origin)
    except TooOften as error:
        if not wants_fragment(request):
            raise
        return _render_messages([("", describe_wait(error.seconds))], 429)
    rendered = render_to_string("predictor/_trial.html", describe_trial(runtime, trial, origin))
    if wants_fragment(request):
        return HttpResponse(rendered)
    form = get_trial_pieces(runtime).fill(get_token(request), origin, trial.inputs, trial=rendered)
    return _render_page(request, runtime, form, origin)


def find_origin(request: HttpRequest, slug: str) -> Prediction | None:
    """The model's answer that the trial starts from, as its address names it; None for none."""
    try:
        found = predictions.find(UUID(request.GET.get("from", "")))
    except ValueError:
        return None
    return found if found and not found.is_forgotten and found.version.model == slug else None


def describe_trial(runtime: Runtime, trial: Trial, origin: Prediction | None) -> dict[str, Any]:
    """What is shown of a trial, and how it differs from the answer that it starts from."""
    pieces, target = get_answer_pieces(runtime), runtime.schema.translated.target
    is_comparable = origin is not None and is_same_quantity(origin.version.target, target)
    former = float(origin.output) if origin and is_comparable and target.task == "regression" else None
    share = (trial.probabilities or {}).get(write_value(trial.output))
    return {
        "trial": trial,
        "likely": "" if share is None else format_share(share),
        "range": pieces.draw_range(trial, trial.written_output, trial.written_interval, former),
        "change": describe_change(trial, origin) if origin and is_comparable else "",
    }


def is_same_quantity(one: Target, other: Target) -> bool:
    """Whether two versions predict the same, shown in the same unit."""
    first, second = ((each.name, each.task, each.shown_unit, each.output.scale) for each in (one, other))
    return first == second


def describe_change(trial: Answered, origin: Answered) -> str:
    """How a trial differs from the answer that it starts from."""
    target, answer = trial.version.target, origin.written_output
    if target.task != "regression":
        same, other = _("The same as the answer."), _("The answer was {answer}.").format(answer=answer)
        return same if trial.output == origin.output else other
    difference = target.to_shown(float(trial.output)) - target.to_shown(float(origin.output))
    written = Quantity(unit=target.shown_unit, decimals=trial.decimals).write(abs(difference))
    if not difference:
        return _("The same as the answer, {answer}.").format(answer=answer)
    more, less = _("{difference} more than the answer, {answer}."), _("{difference} less than the answer, {answer}.")
    return (more if difference > 0 else less).format(difference=written, answer=answer)


def _render_invalid(
    request: HttpRequest, runtime: Runtime, messages: Mapping[str, str], origin: Prediction | None
) -> HttpResponse:
    if wants_fragment(request):
        labels = {feature.name: feature.label for feature in runtime.schema.translated.features}
        return _render_messages([(labels.get(name, name), message) for name, message in messages.items()], 422)
    form = TrialForm(runtime.schema.translated, request.POST)
    form.add_errors(messages)
    return _render_typed(request, runtime, form, origin, 422)


def _render_typed(
    request: HttpRequest, runtime: Runtime, form: TrialForm, origin: Prediction | None, status: int
) -> HttpResponse:
    context = {"slug": runtime.version.model, "csrf_token": get_token(request), "form": form, "origin": origin or ""}
    return _render_page(request, runtime, render_to_string("predictor/_try.html", context), origin, status)


def _render_messages(messages: Sequence[tuple[str, str]], status: int) -> HttpResponse:
    """Messages in place of a trial, each with the label of its input."""
    return HttpResponse(render_to_string("predictor/_trial.html", {"messages": messages}), status=status)


def _render_page(
    request: HttpRequest, runtime: Runtime, form: str, origin: Prediction | None, status: int = 200
) -> HttpResponse:
    version = runtime.version
    context = {
        "models": service.list_live(),
        "slug": version.model,
        "version": version,
        "try_form": mark_safe(form),  # noqa: S308  # Our template.
        "origin": origin,
    }
    return render_page(request, "predictor/trial.html", context, status)
