"""Which requests to the API go on to the middleware of pages, and what becomes of errors there."""

from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, resolve

from predictor.api import mlflow
from predictor.api.admission import needs_session
from predictor.api.bodies import NO_ADDRESS, Refused, write_refusal
from predictor.api.operations import Route
from predictor.api_paths import INVOCATIONS, is_api

URLS = "predictor.api.urls"
# Most requests have the address of a few models' predictions.
MOST_ADDRESSES = 256
# For errors that other middleware or Django itself answered, as pages.
ERRORS = {
    400: ("malformed", "The request cannot be read."),
    403: ("forbidden", "This is not allowed."),
    404: ("not_found", NO_ADDRESS),
    405: ("method_not_allowed", "This address takes another method."),
    413: ("too_large", "The request is too large."),
    431: ("too_many_cookies", "The request has too many cookies: the API needs none."),
    503: ("unavailable", "The site cannot answer at the moment."),
}
# What such an error says besides its page.
KEPT_HEADERS = ("Allow", "Retry-After")
FAULT = ("fault", "The error is on our side, and it was logged; nothing was stored.")


class ApiMiddleware:
    """Answers direct operations, such as predictions, without the sessions and tokens that only pages need.

    All others go through the ordinary middleware. Errors are JSON in both cases, whatever goes wrong.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request.path_info):
            return self.get_response(request)
        view, _, captured = find_view(request.path_info)
        if isinstance(view, Route) and view.is_direct and not needs_session(request, captured["slug"]):
            return view(request, **captured)
        response = self.get_response(request)
        is_page = response.status_code >= 400 and response.get("Content-Type", "").startswith("text/html")
        return replace_page(response, request.path_info) if is_page else response


@lru_cache(MOST_ADDRESSES)
def find_view(path: str) -> ResolverMatch:
    return resolve(path, URLS)


def replace_page(response: HttpResponseBase, path: str) -> HttpResponseBase:
    """The same error as JSON."""
    status = response.status_code
    code, message = ERRORS.get(status, FAULT if status >= 500 else ERRORS[400])
    kept = {name: response[name] for name in KEPT_HEADERS if name in response}
    write = mlflow.write_error if path == INVOCATIONS else write_refusal
    return write(Refused(status, code, message, headers=kept))
