"""The operations that read stored predictions: one by its id, and those of a model, newest first."""

from typing import get_args
from uuid import UUID

from django.conf import settings
from django.http import HttpResponseBase

from predictor.access.callers import Scope
from predictor.api.admission import may_see
from predictor.api.bodies import Refused
from predictor.api.exporting import FORMAT, STREAMS, choose_format, stream
from predictor.api.filters import FILTERS, choose_filters
from predictor.api.large import ROWS_A_TURN, let_others_run
from predictor.api.operations import ApiRequest, operation
from predictor.api.parameters import CURSOR, LIMIT, read_cursor, read_each, read_limit, read_parameters, write_cursor
from predictor.api.stored import PredictionPage, StoredPrediction, describe_prediction
from predictor.exceptions import ModelNotFound, PredictionForgotten
from predictor.history.cursor import NEWEST, Cursor
from predictor.history.filters import Filters, Test, find_test
from predictor.history.references import list_references
from predictor.history.search import CURRENT, SECONDS_OF_A_PAGE, find
from predictor.models import Prediction, Version
from predictor.serving.service import service
from predictor.turns import Turns, slow

# A cursor is the direction and an id.
OLDER, NEWER = b"o", b"n"
PLACE_BYTES = 17
SECONDS = SECONDS_OF_A_PAGE
# About 5 MB of JSON; a long text counts as several.
MOST_CELLS, CHARACTERS_OF_A_CELL = 200_000, 20
PARAMETERS = (*FILTERS, LIMIT, CURSOR, FORMAT)
TESTS = tuple(f"{test}.INPUT" for test in get_args(Test))
KNOWN = frozenset(each.name for each in PARAMETERS)
# A page takes much of a core. A greenlet that waits costs nearly nothing; a worker of threads has few of them.
reading = Turns(waiting=64, seconds=8.0, turn=slow) if settings.DATABASE_POOL_SIZE else Turns(waiting=1, seconds=2.0)


@operation("GET", scope=Scope.READ, response=StoredPrediction, statuses=(404, 410))
def get_prediction(request: ApiRequest, id: UUID) -> StoredPrediction:
    """Read one prediction: its inputs, its output, and what really happened."""
    read_parameters(request)
    prediction = find_prediction(request, id)
    return describe_prediction(prediction, list_references([id]).get(id))


@operation(
    "GET",
    scope=Scope.READ,
    response=PredictionPage,
    parameters=PARAMETERS,
    statuses=(400, 404, 503),
    contents=STREAMS,
)
def list_predictions(request: ApiRequest, slug: str) -> PredictionPage | HttpResponseBase:
    """Read the predictions of a model, the newest first: in pages as JSON, or all of them as one table.

    Filters have the names that they have in the admin's addresses. A filter by an input is its test and its name, such
    as `is.species=Adelie`, `from.area=50`, `to.area=90` or `words.comment=late`. A page whose time is over says how far
    it looked back, and its `next` goes on from there.
    """
    given = read_parameters(request, KNOWN, find_test, TESTS)
    most_rows = find_most_rows(slug)
    filters, format, limit, place = read_each(
        lambda: choose_filters(slug, given),
        lambda: choose_format(request, given),
        lambda: read_limit(given),
        lambda: read_cursor(f"predictions {slug}", given, PLACE_BYTES),
    )
    if format != "json":
        return stream(request, filters, format)
    with reading.take():
        return read_page(slug, filters, read_place(place), min(limit, most_rows))


def read_page(slug: str, filters: Filters, cursor: Cursor, limit: int) -> PredictionPage:
    page = find(filters, cursor, limit=limit, seconds=SECONDS)
    references = list_references(each.id for each in page.rows)
    described = []
    for number, each in enumerate(page.rows):
        if number % ROWS_A_TURN == ROWS_A_TURN - 1:
            let_others_run()
        described.append(describe_prediction(each, references.get(each.id)))
    return PredictionPage(
        model=slug,
        predictions=described,
        next=write_place(slug, page.next),
        previous=write_place(slug, page.previous),
        looked_back_to=page.looked_back_to,
    )


def find_prediction(request: ApiRequest, id: UUID) -> Prediction:
    """A prediction. Raises PredictionForgotten, and Refused, also for one that the caller may not read."""
    prediction = Prediction.objects.prefetch_related(CURRENT).filter(id=id).first()
    held = service.find_held(prediction.version_id) if prediction else None
    if prediction is not None and held is not None:
        prediction.version = held.version  # Whose schema is parsed already.
    if prediction is None or not may_see(request.caller, prediction.version.model):
        raise Refused(404, "prediction_not_found", f"There is no prediction {id}.")
    if prediction.is_forgotten:
        raise PredictionForgotten(f"the prediction {id} was forgotten")
    return prediction


def find_most_rows(slug: str) -> int:
    """How many predictions of a model a page may have: fewer where each is large. Raises ModelNotFound."""
    schema = Version.objects.filter(model=slug).order_by("-number").values_list("schema", flat=True).first()
    if schema is None:
        raise ModelNotFound(f"there is no model {slug!r}")
    cells = sum(1 + each.get("maximum_length", 0) // CHARACTERS_OF_A_CELL for each in schema["features"])
    return max(1, MOST_CELLS // max(1, cells))


def read_place(place: bytes | None) -> Cursor:
    if place is None:
        return NEWEST
    id = UUID(bytes=place[1:])
    return Cursor(after=id) if place[:1] == NEWER else Cursor(before=id)


def write_place(slug: str, cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    id = cursor.after or cursor.before
    return write_cursor(f"predictions {slug}", (NEWER if cursor.after else OLDER) + id.bytes) if id else None
