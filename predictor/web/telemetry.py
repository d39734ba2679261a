"""`/metrics` for Prometheus, and the middleware that measures each request for it."""

import time
from collections.abc import Callable

from django.core.exceptions import MiddlewareNotUsed
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from predictor import telemetry
from predictor.api_paths import is_api


class TelemetryMiddleware:
    """Measures every request and counts errors; without METRICS_TOKEN it is left out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not telemetry.TOKEN:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        telemetry.observe_request(name_page(request), time.perf_counter() - started, name_error(response))
        return response


def name_page(request: HttpRequest) -> str:
    """The name of a request's address: one of few, whatever is asked for."""
    found = request.resolver_match
    if is_api(request.path_info):
        return "api"
    if found is None:
        return "other"
    return "admin" if found.namespaces else found.url_name or "admin"


def name_error(response: HttpResponse) -> str:
    """The code of an error of the API, else the status of one; empty where the request was answered."""
    if response.status_code < 400:
        return ""
    return getattr(response, "error_code", "") or str(response.status_code)


@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """What was counted, for whoever sends the token."""
    if not telemetry.TOKEN:
        raise Http404("METRICS_TOKEN is not set.")
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {telemetry.TOKEN}"):
        problem = "Send METRICS_TOKEN as Authorization: Bearer …\n"
        return HttpResponse(problem, "text/plain", 401, headers={"WWW-Authenticate": "Bearer"})
    text, content_type = telemetry.write_all()
    return HttpResponse(text, content_type=content_type)
