"""A model's form and its answers within pages of other sites: those of EMBED_ORIGINS, or of the model's recipe.

Browsers send no cookies from there, so the form carries a signed token instead, which expires.
"""

from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from predictor.access.predictions import count_request
from predictor.access.shares import RateExceeded
from predictor.exceptions import InvalidInput, NoAnswer
from predictor.languages import gettext, gettext_noop
from predictor.models import Prediction, Version
from predictor.serving.runtime import Runtime, cache_per_runtime
from predictor.serving.service import service
from predictor.web.answers import describe_answer, find_pieces, find_prediction, find_runtime
from predictor.web.forms import PredictionForm, name_problems, parse_typed, read_typed
from predictor.web.jinja import make_url
from predictor.web.pages import SeeOther, render_page
from predictor.web.pieces import LONGEST_LINK, FormPieces
from predictor.web.reuse import make_form_link
from predictor.web.waits import describe_excess

# Of a form that is open, before it has to be sent once more.
SECONDS_OF_A_TOKEN = 12 * 3600
EXPIRED = gettext_noop("This form was open for too long. What you typed is still here: send it once more.")

View = Callable[..., HttpResponse]


def find_origins(version: Version) -> tuple[str, ...]:
    """The origins that may embed a model: its recipe's, else the site's."""
    own = version.parsed_layout.embed_origins
    return tuple(settings.EMBED_ORIGINS) if own is None else own


def embedded(view: View) -> View:
    """Let pages of the model's origins contain what the view answers, errors included; 404 where it has none.

    Nor may a model be embedded that needs a sign-in: frames of other sites get no cookie.
    """

    @wraps(view)
    def answer(request: HttpRequest, slug: str, **captured: Any) -> HttpResponse:
        runtime = find_runtime(slug)
        version = runtime.version if runtime else Version.objects.find_live(slug)
        origins = find_origins(version) if version and service.is_open(slug) else ()
        if not origins:
            raise Http404(f"No other site may embed {slug!r}.")
        # Read by mlsite.middleware, also where the view raises.
        request.embed_origins = origins  # type: ignore[attr-defined]
        return view(request, slug, **captured)

    return answer


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@embedded
def show_form(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form; for a POST, parse, predict and store, then redirect to the answer's page for frames."""
    runtime = service.get_runtime(slug)
    if request.method != "POST":
        return _render_form(request, runtime)
    if not is_token(request.POST.get("csrfmiddlewaretoken", ""), slug):
        return _render_invalid_form(request, runtime, {"": gettext(EXPIRED)})
    try:
        count_request(request)
        row = parse_typed(runtime.schema.translated, request.POST)
        [prediction] = service.predict(runtime, [row], Prediction.Source.FORM)
    except (InvalidInput, NoAnswer) as error:
        return _render_invalid_form(request, runtime, name_problems(error))
    except RateExceeded as error:
        response = _render_invalid_form(request, runtime, {"": describe_excess(error)}, 429)
        response["Retry-After"] = error.seconds
        return response
    return SeeOther(make_url("embedded_prediction", slug, prediction.id))


@require_safe
@embedded
def show_prediction(request: HttpRequest, slug: str, id: UUID) -> HttpResponse:
    """An answer of this model, without outcomes, and without links to pages that no frame may show."""
    prediction = _find_prediction(request, slug, id)
    runtime = find_runtime(slug)
    described = describe_answer(prediction, find_pieces(runtime, prediction.version))
    context = {"slug": slug, "predicts": runtime is not None, **described}
    return render_page(request, "predictor/embedded_prediction.html", context)


@require_safe
@embedded
def change_inputs(request: HttpRequest, slug: str, id: UUID) -> HttpResponse:
    """Redirect to the form with an answer's inputs; show it here where they are too long for a link."""
    prediction, runtime = _find_prediction(request, slug, id), service.get_runtime(slug)
    link = make_form_link(make_url("embed", slug), runtime.schema, prediction.inputs)
    if len(link) <= LONGEST_LINK:
        return redirect(link)
    form = _get_pieces(runtime).fill(make_token(slug), prediction.inputs)
    return _render(request, runtime, {"form": None, "empty_form": form})


def _find_prediction(request: HttpRequest, slug: str, id: UUID) -> Any:
    prediction = find_prediction(request, id)
    if prediction.version.model != slug:
        raise Http404(f"{slug!r} made no prediction {id}.")
    return prediction


@cache
def find_signer() -> TimestampSigner:
    """Not when this is imported: the checks must be able to say that SECRET_KEY is missing."""
    return TimestampSigner(salt="predictor.web.embed")


def make_token(slug: str) -> str:
    return find_signer().sign(slug)


def is_token(token: str, slug: str) -> bool:
    """Whether this site made the token for this model, and it has not expired."""
    try:
        return find_signer().unsign(token, max_age=SECONDS_OF_A_TOKEN) == slug
    except BadSignature:
        return False


@cache_per_runtime
def _get_pieces(runtime: Runtime) -> FormPieces:
    return FormPieces(runtime.version, runtime.schema.translated, is_embedded=True)


def _render_form(request: HttpRequest, runtime: Runtime) -> HttpResponse:
    slug = runtime.version.model
    typed = {name: str(text) for name, text in read_typed(runtime.schema, request.GET).items()}
    form, not_taken = _get_pieces(runtime).fill_typed(make_token(slug), typed)
    return _render(request, runtime, {"form": None, "empty_form": form, "not_taken": not_taken})


def _render_invalid_form(
    request: HttpRequest, runtime: Runtime, messages: Mapping[str, str], status: int = 422
) -> HttpResponse:
    form = PredictionForm(runtime.schema.translated, request.POST)
    form.add_errors(messages)
    pieces = _get_pieces(runtime)
    context = {
        "form": form,
        "groups": pieces.group(form),
        "action": pieces.action,
        "is_embedded": True,
        "csrf_token": make_token(runtime.version.model),
    }
    return _render(request, runtime, context, status)


def _render(request: HttpRequest, runtime: Runtime, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
    version = runtime.version
    described = {"version": version, "slug": version.model}
    return render_page(request, "predictor/embedded_form.html", {**described, **context}, status)
