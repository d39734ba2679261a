"""The parameters of an address: those of a page, and filters. One that is unknown is refused."""

import binascii
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.http import HttpRequest

from predictor.api.operations import Parameter
from predictor.exceptions import InvalidFilters
from predictor.problems import ParameterProblem
from predictor.texts import quote, shorten

CHECK_BYTES = 4
LONGEST_CURSOR = 200
MOST_ROWS, USUAL_ROWS = 1_000, 100
LIMIT = Parameter(
    name="limit",
    description="How many rows a page has at most.",
    schema={"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": USUAL_ROWS},
)
CURSOR = Parameter(
    name="cursor", description="Where the page begins: `next` of the page before. Without it, the newest."
)


def read_parameters(
    request: HttpRequest,
    known: Collection[str] = (),
    is_other: Callable[[str], object] = lambda name: False,
    others: Collection[str] = (),
) -> dict[str, str]:
    """The parameters, each sent once: those that are known, and others with such a name, which `others` are like.

    Raises InvalidFilters, which names those that are unknown or sent twice.
    """
    problems = {}
    for name, values in request.GET.lists():
        if name not in known and not is_other(name):
            names = ", ".join([*sorted(known), *others])
            expected = f"give one of {names}" if names else "give none"
            sentence = f"The parameter {quote(name)} is unknown: {expected}."
            problems[shorten(name)] = ParameterProblem(code="unknown_parameter", sentence=sentence)
        elif len(values) > 1:
            sentence = "This parameter was sent more than once: send it once."
            problems[shorten(name)] = ParameterProblem(code="repeated_parameter", sentence=sentence)
    if problems:
        raise InvalidFilters(problems)
    return request.GET.dict()


def read_each(*readers: Callable[[], Any]) -> list[Any]:
    """What each of them reads. Raises InvalidFilters, which names all that any of them finds wrong."""
    found: list[Any] = []
    problems: dict[str, ParameterProblem] = {}
    for read in readers:
        try:
            found.append(read())
        except InvalidFilters as error:
            problems |= error.problems
    if problems:
        raise InvalidFilters(problems)
    return found


def read_limit(given: Mapping[str, str]) -> int:
    """The parameter `limit`. Raises InvalidFilters."""
    text = given.get("limit", "")
    if not text:
        return USUAL_ROWS
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST_ROWS:
        return int(text)
    sentence = f"{quote(text)} is not a number of rows: give a whole number from 1 to {MOST_ROWS:,}."
    raise InvalidFilters({"limit": ParameterProblem(code="not_a_limit", sentence=sentence)})


def write_cursor(of: str, place: bytes) -> str:
    """A place in the list `of` as a text for an address."""
    return urlsafe_b64encode(place + _check(of, place)).decode().rstrip("=")


def read_cursor(of: str, given: Mapping[str, str], size: int) -> bytes | None:
    """The place of `size` bytes that `write_cursor` wrote for the list; None for none. Raises InvalidFilters."""
    text = given.get("cursor", "")
    if not text:
        return None
    try:
        sent = urlsafe_b64decode(text[:LONGEST_CURSOR].encode() + b"==")
    except (binascii.Error, ValueError):
        sent = b""
    place, check = sent[:-CHECK_BYTES], sent[-CHECK_BYTES:]
    if len(place) != size or check != _check(of, place) or write_cursor(of, place) != text:
        sentence = f"{quote(text)} is not a cursor of this list: send `next` of one of its pages."
        raise InvalidFilters({"cursor": ParameterProblem(code="not_a_cursor", sentence=sentence)})
    return place


def _check(of: str, place: bytes) -> bytes:
    """So that a cut off text, or one of another list, is noticed; it keeps nobody from making one."""
    return zlib.crc32(place, zlib.crc32(of.encode())).to_bytes(CHECK_BYTES, "big")
