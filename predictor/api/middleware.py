import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from predictor.api.bodies import Refused, write_refusal

logger = logging.getLogger(__name__)

URLS = "predictor.api.urls"


class ApiMiddleware:
    """Answers requests to the API without the sessions, tokens, messages and browser policies that only pages need.

    Errors are JSON too, whatever goes wrong.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/api/"):
            return self.get_response(request)
        try:
            return call_view(request)
        except Refused as refused:
            return write_refusal(refused)


def call_view(request: HttpRequest) -> HttpResponse:
    """Find the view and call it; raise Refused for every request that gets no prediction."""
    try:
        view, _, captured = resolve(request.path_info, URLS)
    except Resolver404 as error:
        raise Refused(404, "not_found", "No resource has this address.") from error
    try:
        response: HttpResponse = view(request, **captured)
    except Refused:
        raise
    except Exception as error:  # An unexpected error is answered with JSON too.
        logger.exception("%s could not be answered", request.path_info)
        raise Refused(500, "fault", "The error is on our side, and it was logged; nothing was stored.") from error
    return response
