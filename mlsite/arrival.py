"""Limits on incoming requests, in both workers: the size of the head and of the body, and the minimum rate."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser

from predictor.exceptions import MlsiteError

# Request line and headers together. gunicorn limits each of them, but searches all of them again for each packet.
MOST_HEAD_BYTES = 32 * 1024
# A body may be as slow as it likes for this long; after that, its minimum rate applies.
SECONDS_OF_GRACE = 10.0
# How much of a refused body is still read, and for how long, so that its client gets to read the response.
MOST_LEFT_BYTES = 256 * 1024
SECONDS_TO_LINGER = 2.0
# After SIGTERM, for clients that are about to send.
SECONDS_TO_SEND = 1.0
# Above this share of a worker's connections, a new client replaces one that the worker is waiting for.
MOST_TAKEN = 0.9
TOO_SLOW = "The request came too slowly: send it again, and faster."
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class TooSlow(MlsiteError):
    """A body did not arrive at its minimum rate."""


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """The largest body that is read, and the minimum rate at which it must arrive."""

    most_bytes: int
    bytes_a_second: float


@cache
def find_allowances() -> tuple[Allowance, Allowance]:
    """The allowances of the API and of the pages."""
    from django.conf import settings

    from predictor.api.bodies import MOST_BYTES

    return (
        Allowance(most_bytes=MOST_BYTES, bytes_a_second=50_000),
        Allowance(most_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE, bytes_a_second=5_000),
    )


def find_allowance(path: str) -> Allowance:
    of_api, of_pages = find_allowances()
    return of_api if path.startswith("/api/") else of_pages


# Checked with gunicorn 27.0.1 (tests/test_insides.py).
class BoundedRequest(Request):
    """gunicorn's request, which refuses a head as soon as it is too long."""

    def read_into(self, unreader: Any, buf: bytearray, stop: bool = False) -> None:
        super().read_into(unreader, buf, stop)
        if len(buf) > MOST_HEAD_BYTES and buf.find(b"\r\n\r\n", 0, MOST_HEAD_BYTES) < 0:
            raise LimitRequestHeaders(f"more than {MOST_HEAD_BYTES:,} bytes")


def bound_heads() -> None:
    RequestParser.mesg_class = BoundedRequest  # Checked with gunicorn 27.0.1.


def take_body(request: Any, receive: Callable[[Any, int, bool], bytes]) -> bool:
    """Read all of a request's body before the application begins; return whether nothing is left unread.

    `receive(request, length, is_expected)` returns the body or raises TooSlow; `is_expected` says that the client waits
    for “100 Continue”. A body that is too large or has no length is not read: the application sees an empty one and
    refuses it by its headers, and the response closes the connection.
    """
    # Neither the reader nor the flag is documented. Checked with gunicorn 27.0.1.
    reader = request.body.reader
    length = reader.length if isinstance(reader, LengthReader) else None
    if length == 0:
        return True
    is_expected, request._expected_100_continue = request._expected_100_continue, False
    if length is not None and length <= find_allowance(request.path).most_bytes:
        request.body = io.BytesIO(receive(request, length, is_expected))
        return True
    request.body = io.BytesIO()
    request.force_close()
    return False
