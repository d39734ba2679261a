"""The JSON API. It calls the same service as the pages, and every prediction that it returns is stored."""

from django.http import HttpRequest, HttpResponse

from predictor.api.bodies import Refused, parse_rows, read_inputs, write_predictions
from predictor.api.large import take_turn
from predictor.exceptions import ModelNotFound, NoAnswer
from predictor.models import Prediction
from predictor.serving.outages import find_outage
from predictor.serving.service import service


def predict(request: HttpRequest, slug: str) -> HttpResponse:
    """Predict one row or up to 1,000 of them: all are stored, or none is and Refused says why."""
    if request.method != "POST":
        raise Refused(405, "method_not_allowed", "Send a POST request for predictions.")
    try:
        with take_turn(request):
            inputs = read_inputs(request)
            runtime = service.get_runtime(slug)
            rows = parse_rows(runtime.schema, inputs)
        predictions = service.predict(runtime, rows, Prediction.Source.API)
    except Refused:
        raise
    except ModelNotFound as error:
        raise Refused(404, "model_not_found", f"There is no model {slug!r}.") from error
    except NoAnswer as error:
        raise Refused(422, "no_answer", str(error)) from error
    except Exception as error:  # Anything but an outage is raised again unchanged.
        outage = find_outage(error)
        if outage is None:
            raise
        raise Refused(503, outage.code, outage.message) from error
    return write_predictions(slug, runtime.version.number, predictions)
