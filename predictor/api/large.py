"""Decodes large bodies row by row and one body at a time, and lets other requests run in between."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import msgspec
from django.http import HttpRequest

from predictor.api.repeated_keys import decode
from predictor.exceptions import RepeatedKey, TooLate

# A smaller body is decoded in about a millisecond, whatever it contains.
MOST_SMALL_BYTES = 64 * 1024
MOST_ROW_BYTES = 256 * 1024
# Opening brackets, those in strings included: each row has one, and millions of empty objects would fill the memory.
MOST_PARTS = 20_000
ROWS_A_TURN = 50
SECONDS_FOR_TURN = 8

_turn = threading.Lock()


def take_turn(request: HttpRequest) -> AbstractContextManager[None]:
    """Parse bodies that are large, or that may be once decompressed, one after another.

    So other requests wait for a part of one at most.
    Entering it raises TooLate where the turn does not come in time.
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    may_grow = "HTTP_CONTENT_ENCODING" in request.META
    is_large = length.isdecimal() and int(length) > MOST_SMALL_BYTES
    return wait_for_turn() if is_large or may_grow else nullcontext()


@contextmanager
def wait_for_turn() -> Iterator[None]:
    if not _turn.acquire(timeout=SECONDS_FOR_TURN):
        raise TooLate(f"other large bodies were parsed for {SECONDS_FOR_TURN} s")
    try:
        yield
    finally:
        _turn.release()


def let_others_run() -> None:
    """Let the worker's other greenlets run, which this one blocks; with threads it has little effect."""
    time.sleep(0)


class Envelope(msgspec.Struct, forbid_unknown_fields=True):
    inputs: msgspec.Raw
    reference: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    references: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


ENVELOPE = Envelope.__struct_fields__


def decode_envelope(sent: bytes) -> dict[str, Any]:
    """Decode a large body except its rows, which stay encoded; raise msgspec.DecodeError."""
    if sent.count(b"{") + sent.count(b"[") > MOST_PARTS:
        raise msgspec.ValidationError(f"it has more than {MOST_PARTS:,} objects and lists")
    body = msgspec.json.decode(sent, type=Envelope)
    parts = {name: each for name in ENVELOPE if (each := getattr(body, name)) is not msgspec.UNSET}
    check_envelope(sent, parts)
    is_list = memoryview(body.inputs)[:1] == b"["
    rows = msgspec.json.decode(body.inputs, type=list[msgspec.Raw]) if is_list else decode_row(body.inputs)
    named = {name: msgspec.json.decode(each) for name, each in parts.items() if name != "inputs"}
    return {"inputs": rows, **named}


def check_envelope(sent: bytes, parts: Mapping[str, msgspec.Raw]) -> None:
    """Raise RepeatedKey where a body has a key twice, of which its parts are the last values."""
    if not count_other_keys(sent, parts):
        return
    written = {name: sent.count(f'"{name}"'.encode()) for name in parts}
    raise RepeatedKey(max(written, key=lambda name: written[name]))


def count_other_keys(sent: bytes, parts: Mapping[str, msgspec.Raw]) -> int:
    """About how many keys a body has other than these parts, or twice, by its colons; 0 where there is none."""
    return sent.count(b":") - len(parts) - sum(bytes(part).count(b":") for part in parts.values())


def decode_row(raw: msgspec.Raw) -> Any:
    """Decode one row; raise msgspec.DecodeError, also where it is too long, and RepeatedKey."""
    size = len(memoryview(raw))
    if size > MOST_ROW_BYTES:
        raise msgspec.ValidationError(f"a row has {size:,} bytes, and at most {MOST_ROW_BYTES:,} are allowed")
    return decode(bytes(raw))
