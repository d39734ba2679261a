"""MLflow's scoring protocol: what `mlflow models serve` answers, from the live versions of this site.

Every row is parsed, stored and limited as by the JSON API. What differs from MLflow's own server is in docs/mlflow.md.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.csrf import csrf_exempt

from predictor.access.predictions import count_further_rows, count_request
from predictor.api.admission import check_prediction
from predictor.api.bodies import Inputs, Refused, parse_rows, read_text, write_json
from predictor.api.errors import make_refusal
from predictor.api.large import take_turn, wait_for_turn
from predictor.api.mlflow_bodies import read_csv, read_json, read_parquet
from predictor.api_paths import INVOCATIONS
from predictor.exceptions import ModelNotFound, ModelNotReady, ModelRetired
from predictor.languages import ENGLISH, use_language
from predictor.models import Prediction
from predictor.schema.schema import SLUG, Schema
from predictor.serving.service import service
from predictor.texts import clip, list_names, quote

# The newest version of MLflow that this was compared with: clients ask for it.
VERSION = "3.17.2"
JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
Reader = Callable[[bytes, Schema], Inputs]
# MLflow's documentation names application/csv, too.
READERS: dict[str, Reader] = {JSON: read_json, CSV: read_csv, "application/csv": read_csv, PARQUET: read_parquet}
# MLflow's codes, by status.
CODES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    410: "RESOURCE_DOES_NOT_EXIST",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
# Fields that one message names.
MOST_NAMED = 20
View = Callable[[HttpRequest], HttpResponse]


def answer_errors(view: View) -> View:
    """A view whose errors are MLflow's, in English, whatever goes wrong."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        with use_language(ENGLISH):
            try:
                return view(request)
            except Exception as error:  # An unexpected error is answered in the same form.
                return write_error(make_refusal(error, request.path_info))

    return answer


@answer_errors
def invoke(request: HttpRequest) -> HttpResponse:
    """Predict for the rows of a table: all are stored, or none is and an error says why."""
    check_method(request, "POST")
    slug = find_model(request)
    caller = check_prediction(request, slug)
    count_request(request, caller)
    read, turn = choose_reader(request)
    runtime = service.get_runtime(slug)
    with turn:
        inputs = read(read_text(request), runtime.schema)
        count_further_rows(request, len(inputs.rows), caller)
        rows = parse_rows(runtime.schema, inputs)
    predictions = service.predict(runtime, rows, Prediction.Source.API)
    return write_json({"predictions": [prediction.output for prediction in predictions]})


@answer_errors
def redirect(request: HttpRequest) -> HttpResponse:
    """To the address without the slash, with the same method and body, as MLflow does."""
    query = f"?{request.META['QUERY_STRING']}" if request.META.get("QUERY_STRING") else ""
    address = f"{settings.FORCE_SCRIPT_NAME.rstrip('/')}{INVOCATIONS}{query}"
    return HttpResponseRedirect(address, preserve_request=True)


@answer_errors
def ping(request: HttpRequest) -> HttpResponse:
    """200 with an empty line where /readyz answers 200."""
    check_method(request, "GET", "HEAD")
    try:
        service.check_site_ready()
    except ModelRetired:
        pass
    except (ModelNotReady, ModelNotFound) as error:
        raise Refused(503, "unavailable", f"{error}.") from error
    return HttpResponse("\n", content_type=JSON)


@answer_errors
def show_version(request: HttpRequest) -> HttpResponse:
    """The version of MLflow whose protocol this is, as bare text, although it is called JSON: so does MLflow."""
    check_method(request, "GET", "HEAD")
    return HttpResponse(VERSION, content_type=JSON)


def check_method(request: HttpRequest, *allowed: str) -> None:
    if request.method not in allowed:
        problem = f"This address takes {' and '.join(allowed)}, not {quote(request.method or '')}."
        raise Refused(405, "method_not_allowed", problem, headers={"Allow": ", ".join(allowed)})


def choose_reader(request: HttpRequest) -> tuple[Reader, AbstractContextManager[None]]:
    """What reads the body, by its Content-Type, and the turn that it waits for. Raises Refused."""
    kind = request.content_type or ""
    others = [name for name in request.content_params or {} if name and name != "charset"]
    if others:
        raise Refused(415, "unsupported_media_type", f"Unrecognized content type parameters: {list_names(others)}.")
    if kind not in READERS:
        problem = f"This predictor only supports the following content types: {', '.join(READERS)}. Got {quote(kind)}."
        raise Refused(415, "unsupported_media_type", problem)
    # A few bytes of Parquet may be a large table.
    return READERS[kind], wait_for_turn() if kind == PARQUET else take_turn(request)


def find_model(request: HttpRequest) -> str:
    """The slug that the query names, else the default model's, else the only one. Raises Refused."""
    given = request.GET.getlist("model")
    if len(given) > 1:
        raise Refused(400, "malformed", "The parameter model was sent more than once: send it once.")
    named = next(iter(given), "") or settings.DEFAULT_MODEL
    if named and not SLUG.fullmatch(named):
        raise ModelNotFound(f"there is no model {clip(named)!r}")
    live = [] if named else service.list_live()
    if not named and len(live) != 1:
        raise Refused(400, "malformed", "This site has no default model: name one, as in /invocations?model=NAME.")
    return named or live[0].model


def write_error(refused: Refused) -> HttpResponse:
    """MLflow's own form: an object, and plain text for a body of another type."""
    status = 400 if refused.status == 422 else refused.status
    if status == 415:
        response = HttpResponse(refused.message, content_type="text/plain", status=status, headers=refused.headers)
    else:
        content = {"error_code": CODES.get(status, "BAD_REQUEST"), "message": write_message(refused)}
        response = write_json(content, status, refused.headers)
    response.error_code = refused.code  # type: ignore[attr-defined]  # For /metrics.
    return response


def write_message(refused: Refused) -> str:
    """One sentence for all, and one for each field that is wrong, up to a limit: the form has no place for fields."""
    named = [f"{name}: {problem}" for name, problem in list(refused.problems.items())[:MOST_NAMED]]
    more = len(refused.problems) - len(named)
    return "\n".join([refused.message, *named, *([f"… and {more} more."] if more else [])])
