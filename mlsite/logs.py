"""Logs of one line a record, each with the id of its request, which Heroku's router gives and the answer repeats."""

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse
from uuid_utils import uuid4

# What Heroku's router, too, accepts of a client.
REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}")

_request_id: ContextVar[str] = ContextVar("request_id", default="-")


class LineFormatter(logging.Formatter):
    """One record, one line: what a message or a stack trace breaks stays together, and nothing can forge a line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = _request_id.get()
        return super().format(record).replace("\r", "").replace("\n", " ⏎ ")


class TooManyFilter(logging.Filter):
    """Drops Django's line for each refusal with status 429: whoever refuses logs it, once a window."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 429


def name_request(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give each request its X-Request-ID, or a new one where it has none or something else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        name = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        _request_id.set(name)  # Until the next request: Django says what came of this one after all middleware.
        response = get_response(request)
        response.headers["X-Request-ID"] = name
        return response

    return middleware
