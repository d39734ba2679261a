"""The one place that turns errors into HTTP answers, each with a page in the site's own look."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from predictor.exceptions import ModelNotFound
from predictor.serving.outages import SECONDS_TO_WAIT, find_outage
from predictor.web.bounds import TooMuch, check_form, check_headers, make_too_large
from predictor.web.pages import render_page, wants_fragment


class ErrorPagesMiddleware:
    """Refuses what is too much before it is parsed, and answers for what views raise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            check_headers(request)
        except TooMuch as excess:
            return show_excess(request, excess)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, arguments: list[Any], captured: dict[str, Any]
    ) -> HttpResponse | None:
        """Before the form's token is looked for among its fields."""
        if request.method != "POST":
            return None
        found = request.resolver_match
        try:
            check_form(request, found.url_name if found else None, captured)
        except Exception as error:
            answer = self.process_exception(request, error)
            if answer is None:
                raise
            return answer
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, TooMuch):
            return show_excess(request, error)
        if isinstance(error, ModelNotFound):
            return show_not_found(request, error)
        outage = find_outage(error)
        return show_unavailable(request, outage.message) if outage else None


def show_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return show_excess(request, make_too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
    return _render_error(request, 400, "That request could not be read", "Go back, and try it once more.")


def show_csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    hint = "The page was open for too long, or cookies are switched off. Reload the form and send it again."
    return _render_error(request, 403, "The form could not be trusted", hint)


def show_forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _render_error(request, 403, "This is not for you to see", "Sign in with an account that may see it.")


def show_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    hint = "No model and no prediction has this address. Check it for a slip, or start from the first page."
    return _render_error(request, 404, "There is nothing here", hint)


def show_excess(request: HttpRequest, excess: TooMuch) -> HttpResponse:
    return _render_error(request, excess.status, excess.title, excess.hint)


def show_server_error(request: HttpRequest) -> HttpResponse:
    hint = "The fault is ours and has been written down. Nothing that you sent was lost halfway: try it again."
    return _render_error(request, 500, "Something broke", hint)


def show_unavailable(request: HttpRequest, hint: str) -> HttpResponse:
    response = _render_error(request, 503, "Not available just now", f"{hint} Try again in a few seconds.")
    response["Retry-After"] = SECONDS_TO_WAIT
    return response


def _render_error(request: HttpRequest, status: int, title: str, hint: str) -> HttpResponse:
    response = render_page(request, "error.html", {"code": status, "title": title, "hint": hint}, status)
    if wants_fragment(request):
        # Above the form, which stays as it was typed.
        response["HX-Retarget"], response["HX-Reswap"] = "#notice", "innerHTML show:window:top"
    return response
