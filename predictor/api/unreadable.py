"""Says why a body is no JSON: where in it, and what would be right. Decoders name a byte at most."""

import json
import math
from collections.abc import Iterator
from typing import Any

from predictor.texts import clip

# A larger body gets the decoder's own words.
MOST_BYTES = 256 * 1024
# Python's `int` refuses longer ones, and so does the decoder of bodies.
MOST_DIGITS = 4_300


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
        return next(_find_problems(DECODER.decode(text), place), str(error))
    except (ValueError, RecursionError):
        return str(error)


def _find_problems(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, Unknown):
        why = "too large a number" if value[-1].isdigit() else "not a value of JSON: send null for a gap"
        yield f"{place or 'it'} is {clip(value)}, which is {why}"
    elif isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            yield f"{place or 'it'} is “{clip(value)}”, which has one half of a character in UTF-16"
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _find_problems(name, f"a key in {place or 'it'}")
            yield from _find_problems(each, _join(place, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _find_problems(each, _join(place, str(number)))


def _join(place: str, name: str) -> str:
    return f"{place}.{clip(name)}" if place else clip(name)


def _take_float(written: str) -> str:
    return Unknown(written) if math.isinf(float(written)) else written


def _take_integer(written: str) -> str:
    return Unknown(written) if len(written) > MOST_DIGITS else written


DECODER = json.JSONDecoder(parse_float=_take_float, parse_int=_take_integer, parse_constant=Unknown, strict=False)
