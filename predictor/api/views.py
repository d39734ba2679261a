"""The JSON API. It calls the same service as the pages, and every prediction that it returns is stored."""

from django.http import HttpRequest, HttpResponse

from predictor.access.callers import Scope
from predictor.access.predictions import count_further_rows, count_request
from predictor.api.admission import check_prediction
from predictor.api.bodies import decode_inputs, parse_rows, read_json, write_body, write_predictions
from predictor.api.idempotency import find_answer, read_attempt
from predictor.api.large import take_turn
from predictor.api.operations import operation
from predictor.api.references import read_references, refuse_taken
from predictor.exceptions import ReferenceTaken
from predictor.models import Prediction
from predictor.serving.service import service


@operation("POST", scope=Scope.PREDICT, is_direct=True, statuses=(400, 409, 410, 411, 413, 415, 422, 429))
def predict(request: HttpRequest, slug: str) -> HttpResponse:
    """Predict one row or up to 1,000 of them: all are stored, or none is and an error says why.

    A `reference` next to a row's `inputs` is your own id of a case at a time, such as "customer-42/2026-03", up to 200
    characters; next to a list of inputs, `references` is a list with one for each row, or null. It names one prediction
    of the model: the same reference with the same inputs answers that prediction again, also after another version went
    live, and with other inputs it is refused with 409. It is compared character by character.

    A request with the header `Idempotency-Key` (up to 255 printable characters) that is sent again within a day, with
    the same body, gets the stored answer, and nothing is stored twice; with another body it is refused with 409. Errors
    are not kept: such a request is answered anew.
    """
    caller = check_prediction(request, slug)
    count_request(request, caller)
    with take_turn(request):
        sent = read_json(request)
        attempt = read_attempt(request, caller, sent)
        if attempt is not None and (before := find_answer(attempt)):
            return before
        inputs = decode_inputs(sent)
        count_further_rows(request, len(inputs.rows), caller)
        references = read_references(inputs)
        runtime = service.get_runtime(slug)
        rows = parse_rows(runtime.schema, inputs)
    try:
        predictions = service.predict(runtime, rows, Prediction.Source.API, references, attempt)
    except ReferenceTaken as error:
        raise refuse_taken(error.taken, inputs) from error
    return write_body(attempt.answer.encode()) if attempt else write_predictions(runtime.version, predictions)
