"""What the server itself refuses, before there is a request for the site: in the shape of the API's errors."""

import socket

import gunicorn.util
import msgspec

from mlsite.arrival import MOST_HEAD_BYTES
from predictor.texts import clip

# By status: a code, and a sentence with the server's limits.
ERRORS = {
    414: ("address_too_long", "The address is too long: at most {line:,} bytes are read."),
    431: ("head_too_large", "The headers are too long: at most {field:,} bytes each, and {head:,} in all, are read."),
    500: ("fault", "The error is on our side, and it was logged."),
}
LIMITS = {"line": 4_094, "field": 8_190, "head": MOST_HEAD_BYTES}  # The first two are gunicorn's.
NOT_HTTP = ("not_http", "This is not a request of HTTP that can be read: {reason}.")


def write_error(client: socket.socket, status: int, title: str, reason: str) -> None:
    """Send an error and ask the client to close; `reason` is gunicorn's and may repeat what was sent."""
    code, sentence = ERRORS.get(status, NOT_HTTP)
    error = {"code": code, "message": sentence.format(reason=clip(reason), **LIMITS)}
    body = msgspec.json.encode({"error": error})
    headers = f"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    gunicorn.util.write_nonblock(client, f"HTTP/1.1 {status} {title}\r\n{headers}".encode("latin-1") + body)


def refuse_in_json() -> None:
    """Let gunicorn's workers send errors so."""
    gunicorn.util.write_error = write_error  # Checked with gunicorn 27.0.1 (tests/test_insides.py).
