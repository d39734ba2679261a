"""Limits on incoming requests, in both workers: the size of the head and of the body, and the minimum rate."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser

from mlsite.chunks import Chunks, MalformedChunks
from mlsite.uploads import MOST_DROPPED, Unreadable, Upload
from predictor.api_paths import is_api
from predictor.exceptions import MlsiteError
from predictor.upload_paths import is_upload

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
    is_upload: bool = False


@cache
def find_allowances() -> tuple[Allowance, Allowance, Allowance]:
    """The allowances of the API, of the pages, and of those that take files."""
    from django.conf import settings

    from predictor.api.bodies import MOST_BYTES

    return (
        Allowance(most_bytes=MOST_BYTES, bytes_a_second=50_000),
        Allowance(most_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE, bytes_a_second=5_000),
        Allowance(most_bytes=settings.UPLOAD_MAX_BODY_BYTES, bytes_a_second=50_000, is_upload=True),
    )


def find_allowance(path: str) -> Allowance:
    of_api, of_pages, of_uploads = find_allowances()
    if is_api(path):
        return of_api
    return of_uploads if is_upload(path) else of_pages


# Checked with gunicorn 27.0.1 (tests/test_insides.py).
class BoundedRequest(Request):
    """gunicorn's request, which refuses a head as soon as it is too long."""

    def read_into(self, unreader: Any, buf: bytearray, stop: bool = False) -> None:
        super().read_into(unreader, buf, stop)
        if len(buf) > MOST_HEAD_BYTES and buf.find(b"\r\n\r\n", 0, MOST_HEAD_BYTES) < 0:
            raise LimitRequestHeaders(f"more than {MOST_HEAD_BYTES:,} bytes")


def bound_heads() -> None:
    RequestParser.mesg_class = BoundedRequest  # Checked with gunicorn 27.0.1.


class Measured:
    """A body whose length its head states: `rest` is what follows the body."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.body, self.rest = bytearray(), bytearray()

    @property
    def missing(self) -> int:
        return self.size - len(self.body)

    @property
    def is_over(self) -> bool:
        return self.missing <= 0

    def take(self, piece: bytes) -> None:
        self.body += piece
        self.rest = self.body[self.size :]
        del self.body[self.size :]

    def open(self) -> io.BytesIO:
        return io.BytesIO(self.body)


Body = Measured | Chunks | Upload


def take_body(request: Any, receive: Callable[[Any, Body, bool], None], arrived: Upload | None = None) -> bool:
    """Read all of a request's body before the application begins; return whether nothing is left unread.

    `receive(request, body, is_expected)` lets the body take what arrives until it is over, or raises TooSlow;
    `is_expected` says that the client waits for “100 Continue”. `arrived` is a body that was received before. A body
    that came in chunks is handed over as one with a length. A body that is too large is not read, nor one without an
    end: the application sees an empty one and refuses it by its headers, and the response closes the connection.
    """
    # Neither the reader nor the flag is documented. Checked with gunicorn 27.0.1.
    reader = request.body.reader
    if isinstance(reader, LengthReader) and reader.length == 0:
        return True
    is_expected, request._expected_100_continue = request._expected_100_continue, False
    body = arrived or make_body(request, reader, find_allowance(request.path))
    request.body = io.BytesIO()
    if body is not None:
        try:
            if arrived is None:
                receive(request, body, is_expected)
            request.body = body.open()
        except MalformedChunks as error:
            request.body = Unreadable(str(error))
        except BaseException:
            if isinstance(body, Upload):
                body.drop()
            raise
        if isinstance(body, Chunks):
            # At least 1: the application reads nothing of a body without a length.
            state_length(request, body.size if body.is_complete else max(1, body.size))
        if not isinstance(body, Chunks) or body.is_complete:
            return True
    request.force_close()
    return False


def make_body(request: Any, reader: Any, allowance: Allowance) -> Body | None:
    """The empty body that takes what will arrive; None where that is not to be read, such as a file in chunks."""
    if isinstance(reader, LengthReader):
        return make_measured(reader.length, allowance)
    codings = [value.lower() for name, value in request.headers if name == "TRANSFER-ENCODING"]
    is_read = isinstance(reader, ChunkedReader) and codings == ["chunked"] and not allowance.is_upload
    return Chunks(allowance.most_bytes) if is_read else None


def make_measured(size: int, allowance: Allowance) -> Measured | Upload | None:
    """The empty body of this size; None where that is too large."""
    if allowance.is_upload:
        return Upload(size, allowance.most_bytes) if size <= MOST_DROPPED * allowance.most_bytes else None
    return Measured(size) if size <= allowance.most_bytes else None


def state_length(request: Any, length: int) -> None:
    """Let the headers say what they would for a body that came with its length."""
    others = [(name, value) for name, value in request.headers if name != "TRANSFER-ENCODING"]
    request.headers = [*others, ("CONTENT-LENGTH", str(length))]
