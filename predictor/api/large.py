"""Large bodies: decoded row by row, one body at a time, and with turns for the requests of others in between."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import msgspec
from django.http import HttpRequest

from predictor.exceptions import TooLate

# What is smaller is decoded in about a millisecond, whatever it holds.
MOST_SMALL_BYTES = 64 * 1024
MOST_ROW_BYTES = 256 * 1024
# Objects and lists, signs in texts among them: each row is one, and millions of empty ones would fill the memory.
MOST_PARTS = 20_000
ROWS_A_TURN = 50
SECONDS_FOR_TURN = 8

_turn = threading.Lock()


def take_turn(request: HttpRequest) -> AbstractContextManager[None]:
    """Let large bodies wait for each other, so that others wait for a part of one at most.

    Entering it raises TooLate where the turn does not come.
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    is_small = not length.isdecimal() or int(length) <= MOST_SMALL_BYTES
    return nullcontext() if is_small else _take_turn()


@contextmanager
def _take_turn() -> Iterator[None]:
    if not _turn.acquire(timeout=SECONDS_FOR_TURN):
        raise TooLate(f"other large bodies were parsed for {SECONDS_FOR_TURN} s")
    try:
        yield
    finally:
        _turn.release()


def let_others_run() -> None:
    """Let the worker's other requests run: its greenlets wait until this one does; to a thread it means little."""
    time.sleep(0)


class Envelope(msgspec.Struct, forbid_unknown_fields=True):
    inputs: msgspec.Raw


def decode_envelope(sent: bytes) -> dict[str, Any]:
    """Decode a large body but for its rows, which stay as they were sent. Raises msgspec.DecodeError."""
    if sent.count(b"{") + sent.count(b"[") > MOST_PARTS:
        raise msgspec.ValidationError(f"it has more than {MOST_PARTS:,} objects and lists")
    inputs = msgspec.json.decode(sent, type=Envelope).inputs
    is_list = memoryview(inputs)[:1] == b"["
    return {"inputs": msgspec.json.decode(inputs, type=list[msgspec.Raw]) if is_list else decode_row(inputs)}


def decode_row(raw: msgspec.Raw) -> Any:
    """Decode one row. Raises msgspec.DecodeError, also where it is too long for one."""
    size = len(memoryview(raw))
    if size > MOST_ROW_BYTES:
        raise msgspec.ValidationError(f"a row has {size:,} bytes, and {MOST_ROW_BYTES:,} is the most")
    return msgspec.json.decode(raw)
