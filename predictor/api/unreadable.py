"""Says why a body is not JSON: where, and what would be right. Decoders give the number of a byte at most."""

import json
import math
from typing import Any

from predictor.texts import clip

# A larger body gets the decoder's own words.
MOST_BYTES = 128 * 1024
# Python's `int` refuses longer ones, and so does the decoder of bodies.
MOST_DIGITS = 4_300
# What is wrong, with a place for where, and the names that lead there from the innermost on.
Found = tuple[str, list[str]]


class Unknown(str):
    """A number or a constant, as it was written, for which JSON or floating point has no value."""


def explain(sent: bytes, error: Exception, place: str = "") -> str:
    """Why a text cannot be decoded as JSON, in English; `place` is where it stands in the body."""
    if not sent.strip():
        return "it is empty"
    try:
        text = sent.decode()
    except UnicodeDecodeError as wrong:
        return f"it is not UTF-8, from byte {wrong.start} on"
    if len(sent) > MOST_BYTES:
        return str(error)
    try:
        found = _find_problem(DECODER.decode(text))
    except (ValueError, RecursionError):
        found = None
    if found is None:
        return str(error)
    what, names = found
    return what.format(".".join([*([place] if place else []), *map(clip, reversed(names))]) or "it")


def _find_problem(value: Any) -> Found | None:
    """What is wrong with the first value that is, in words that name its place, and the names that lead there.

    The innermost name is first: only those of one value are written, of perhaps many.
    """
    if isinstance(value, str):
        return _judge(value)
    if isinstance(value, dict):
        for name, each in value.items():
            if not name.isascii() and (found := _judge(name)):
                return f"a key of {found[0]}", []
            if found := _find_problem(each):
                found[1].append(name)
                return found
    elif isinstance(value, list):
        for number, each in enumerate(value):
            if found := _find_problem(each):
                found[1].append(str(number))
                return found
    return None


def _judge(text: str) -> Found | None:
    if isinstance(text, Unknown):
        why = "too large a number" if text[-1].isdigit() else "not a value of JSON: send null for a gap"
        return f"{{}} is {clip(text)}, which is {why}", []
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = clip(text).replace("{", "{{").replace("}", "}}")
        return f"{{}} is “{shown}”, which has one half of a character in UTF-16", []
    return None


def _take_float(written: str) -> str:
    return Unknown(written) if math.isinf(float(written)) else written


def _take_integer(written: str) -> str:
    return Unknown(written) if len(written) > MOST_DIGITS else written


DECODER = json.JSONDecoder(parse_float=_take_float, parse_int=_take_integer, parse_constant=Unknown, strict=False)
