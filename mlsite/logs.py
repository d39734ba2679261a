"""Logs one line for each record, with the id of its request, which Heroku's router sets and the response repeats."""

import json
import logging
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from uuid_utils import uuid4

from predictor.texts import leave_out_details, make_printable

# What Heroku's router, too, accepts from a client.
REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}")

_request_id: ContextVar[str] = ContextVar("request_id", default="-")


class LineFormatter(logging.Formatter):
    """One record, one line: messages and stack traces are not split over lines, and nothing can forge a line.

    Control characters are escaped, and details in which PostgreSQL quotes rows are left out. Times are in UTC, which a
    Z says.
    """

    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = _request_id.get()
        line = leave_out_details(super().format(record)).replace("\r", "").replace("\n", " ⏎ ")
        return line if line.isprintable() else make_printable(line)


class JsonFormatter(logging.Formatter):
    """One record, one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": _request_id.get(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields)


class TooManyFilter(logging.Filter):
    """Drops Django's line for each response with status 429: the limits log a refusal once in a window."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 429


def name_request(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give each request the id in its X-Request-ID, or a new one where that is missing or invalid."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        name = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        _request_id.set(name)  # Kept until the next request: Django logs the status of this one after all middleware.
        response = get_response(request)
        response.headers["X-Request-ID"] = name
        return response

    return middleware
