"""How requests may arrive, in both workers: how long a head, how large a body, and how slowly."""

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

# Request line and headers together. gunicorn bounds each of them, and looks through all at each packet that comes.
MOST_HEAD_BYTES = 32 * 1024
# For so long a body may be as slow as it likes; from then on it must have come at its minimum rate.
SECONDS_OF_GRACE = 10.0
# How much of a body that was refused is still read, and for how long, so that its client comes to read the answer.
MOST_LEFT_BYTES = 256 * 1024
SECONDS_TO_LINGER = 2.0
# After SIGTERM, for those who are just about to send.
SECONDS_TO_SEND = 1.0
# With more clients than this share of what a worker may hold, a new one takes the place of one that is waited for.
MOST_TAKEN = 0.9
TOO_SLOW = "The request came too slowly: send it again, and faster."
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class TooSlow(MlsiteError):
    """A body did not come at its minimum rate."""


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """The largest body that is read, and the minimum rate at which it must come."""

    most_bytes: int
    bytes_a_second: float


@cache
def find_allowances() -> tuple[Allowance, Allowance]:
    """That of the API and that of the pages."""
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
    """gunicorn's request, but a head that is too long is refused as soon as it is."""

    def read_into(self, unreader: Any, buf: bytearray, stop: bool = False) -> None:
        super().read_into(unreader, buf, stop)
        if len(buf) > MOST_HEAD_BYTES and buf.find(b"\r\n\r\n", 0, MOST_HEAD_BYTES) < 0:
            raise LimitRequestHeaders(f"more than {MOST_HEAD_BYTES:,} bytes")


def bound_heads() -> None:
    RequestParser.mesg_class = BoundedRequest  # Checked with gunicorn 27.0.1.


def take_body(request: Any, receive: Callable[[Any, int, bool], bytes]) -> bool:
    """Read a request's body, all of it, before the application begins; tell whether nothing of it is left unread.

    `receive` gives so many bytes, for which the client may wait to be asked, or raises TooSlow. A body that is too
    large, or does not tell its length, is left alone: the application sees an empty one and refuses it by its headers,
    and the answer closes the connection.
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
