"""What is stored of sensitive inputs: a keyed hash, by which equal values can be found, or nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.conf import settings
from django.utils.crypto import salted_hmac

from predictor.schema.schema import Row, Schema
from predictor.schema.values import Value

SALT = "mlsite.hashed_inputs"
# Of 128 bits: a site has no two values with the same hash.
CHARACTERS = 32


def hide_inputs(schema: Schema, row: Row) -> tuple[Mapping[str, Value], dict[str, str | None] | None]:
    """A row's inputs without sensitive ones, and the hashes of these; None where no feature is to be hashed."""
    if not schema.sensitive:
        return row.values, None
    kept = {name: value for name, value in row.values.items() if name not in schema.sensitive}
    return kept, hash_inputs(schema, row)


def hash_inputs(schema: Schema, row: Row) -> dict[str, str | None] | None:
    """The hashes of a row's inputs that are to be hashed, None for a missing one; None where there is none."""
    hashed = {
        name: None if row.values[name] is None else hash_input(name, row.values[name], find_keys()[0])
        for name, how in schema.sensitive.items()
        if how == "hash"
    }
    return hashed or None


def hash_input(feature: str, value: Value, key: str) -> str:
    """HMAC-SHA-256 of a parsed value under a key of its own, which a setting gives; the first 128 bits, in hex."""
    content = msgspec.json.encode([feature, value])
    return salted_hmac(SALT, content, secret=key, algorithm="sha256").hexdigest()[:CHARACTERS]


def list_hashes(feature: str, value: Value) -> list[str]:
    """The hashes of a value under the present key and all former ones that are still set."""
    return [hash_input(feature, value, key) for key in find_keys()]


def find_keys() -> list[str]:
    """The settings from which keys are derived, the present one first."""
    return [settings.INPUT_HASH_KEY or settings.SECRET_KEY, *settings.INPUT_HASH_KEY_FALLBACKS]


def find_hidden(schema: Mapping[str, Any]) -> set[str]:
    """The sensitive features of a stored schema: predictions of its version do not have them."""
    return {each["name"] for each in schema["features"] if each.get("sensitive")}


def is_hidden(schema: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Whether one of these features is sensitive in a stored schema."""
    return not find_hidden(schema).isdisjoint(names)
