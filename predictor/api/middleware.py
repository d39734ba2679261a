from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from predictor.api.bodies import write_refusal
from predictor.api.errors import make_refusal

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
        except Exception as error:  # An unexpected error is answered with JSON too.
            return write_refusal(make_refusal(error, request.path_info))


def call_view(request: HttpRequest) -> HttpResponse:
    view, _, captured = resolve(request.path_info, URLS)
    response: HttpResponse = view(request, **captured)
    return response
