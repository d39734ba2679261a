import logging
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# What Heroku's router, too, accepts of a client.
REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}")


class LineFormatter(logging.Formatter):
    """One record, one line: what a message or a stack trace breaks stays together, and nothing can forge a line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(correlation_id)s] %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "").replace("\n", " ⏎ ")


def accept_request_id(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Drop an X-Request-ID that is none, before django-guid would write it into every line."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not REQUEST_ID.fullmatch(request.META.get("HTTP_X_REQUEST_ID", "")):
            request.META.pop("HTTP_X_REQUEST_ID", None)
        return get_response(request)

    return middleware
