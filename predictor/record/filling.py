"""Puts stored values into a sentence as the current language writes them."""

from collections.abc import Mapping

from predictor.formats import format_number, format_share, format_size
from predictor.texts import quote

# A list is quoted; texts of our own stand as they are.
Value = int | float | str | list[str]
# In bytes.
SIZES = ("needed", "free")
# Of 1.
SHARE = "share"


def fill(sentence: str, values: Mapping[str, Value]) -> str:
    """The sentence with each value in its named place."""
    return sentence.format(**{name: _write(name, value) for name, value in values.items()})


def _write(name: str, value: Value) -> str:
    if isinstance(value, list):
        return ", ".join(map(quote, value))
    if isinstance(value, str):
        return value
    if name in SIZES:
        return format_size(int(value))
    return format_share(value) if name == SHARE else format_number(value)
