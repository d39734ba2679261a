"""JSON texts with a key that an object has twice, which decoders answer with the last value as if that were all."""

import json
from typing import Any

import msgspec

from predictor.exceptions import RepeatedKey


def decode(sent: bytes) -> Any:
    """Decode a JSON text. Raises RepeatedKey, msgspec.DecodeError, UnicodeDecodeError and RecursionError."""
    decoded = msgspec.json.decode(sent)
    # Each key has a colon: with as many colons as decoded keys, none was dropped, and no text has one.
    if sent.count(b":") != count_keys(decoded):
        refuse_repeated(sent)
    return decoded


def count_keys(value: Any) -> int:
    """The keys of all objects in a decoded value."""
    count = len(value) if type(value) is dict else 0
    if type(value) is dict or type(value) is list:
        for each in value.values() if type(value) is dict else value:
            if type(each) is dict or type(each) is list:
                count += count_keys(each)
    return count


def refuse_repeated(sent: bytes) -> None:
    """Raise RepeatedKey where an object has a key twice; this takes several times as long as `decode`."""
    DECODER.decode(sent.decode())


def _check_pairs(pairs: list[tuple[str, Any]]) -> None:
    keys = {key for key, _ in pairs}
    if len(keys) == len(pairs):
        return
    for key, _ in pairs:
        if key not in keys:
            raise RepeatedKey(key)
        keys.remove(key)


# Numbers stay texts, since one with thousands of digits takes long to read.
DECODER = json.JSONDecoder(object_pairs_hook=_check_pairs, parse_int=str, parse_float=str, strict=False)
