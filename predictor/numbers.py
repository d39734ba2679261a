"""Numbers as people write them: with a decimal point or comma, and with marks between thousands."""

import math
import re
from collections.abc import Collection

from predictor.texts import quote

# Python's own float() would also take "1_0", "nan", "infinity" and digits of other scripts. Each digit can be
# matched in one way only: with `\d+\.?\d*`, a long wrong number takes time that grows with its square.
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
# "1,234" is 1234 to some and 1.234 to others; "0,123" and "1234,567" can only be decimals.
UNCLEAR_PATTERN = r"[+-]?[1-9][0-9]{0,2}MARK[0-9]{3}"
UNCLEAR_COMMA = re.compile(UNCLEAR_PATTERN.replace("MARK", ","))
# What divides thousands and never decimals: blanks that break a line or not, and two kinds of apostrophe.
GROUP_MARKS = "'’ \u00a0\u202f"
# One mark throughout, and another one for the decimals.
GROUPED = re.compile(
    rf"(?P<whole>[+-]?[1-9][0-9]{{0,2}}(?P<mark>[.,{GROUP_MARKS}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*)"
    r"(?:(?!(?P=mark))[.,](?P<decimals>[0-9]+))?"
)
# More than any float64 has, written out with all of its digits before the point.
MOST_CHARACTERS = 400
# 2⁵³ itself is what float64 also makes of 2⁵³ + 1; up to here, an integer is told from its neighbours.
LARGEST_INTEGER = 2**53 - 1
# A whole number as it is written, or as pandas writes it in a column with gaps.
WHOLE = re.compile(r"-?[0-9]+(\.0)?")


def read_number(raw: str | float, expected: str) -> float:
    """Read a finite number: a float or an integer as it is, a text as people write it.

    A point or a comma divides decimals. Marks between thousands are taken where each group has three digits and it is
    clear which mark is which: "1.234,5", "1,234,567", "1 234". A point alone is always the decimal point, since our
    own numbers are written so. Raises ValueError, its message ending in what is `expected`, or in both readings of
    a text that has two.
    """
    if isinstance(raw, float) and math.isfinite(raw):
        return float(raw)
    if isinstance(raw, str):
        number = _read_text(raw, expected)
    elif isinstance(raw, int) and not isinstance(raw, bool):
        number = _convert_integer(raw)
    else:
        raise ValueError(f"{quote(raw)} is not a number: give {expected}.")
    if not math.isfinite(number):
        raise ValueError(f"{quote(raw)} is too large for a number here: give {expected}.")
    return number


def _read_text(raw: str, expected: str) -> float:
    if len(raw) > MOST_CHARACTERS:
        raise ValueError(f"{quote(raw)} is too long for a number: give {expected}.")
    text = raw.strip()
    if NUMBER.fullmatch(text):
        return float(text)
    text = text.replace("−", "-")
    if UNCLEAR_COMMA.fullmatch(text):
        readings = f"{text.replace(',', '')} or {text.replace(',', '.')}"
        raise ValueError(f"{quote(raw)} can be read in two ways: write {readings}.")
    plain = _write_plainly(text)
    if plain is None:
        raise ValueError(f"{quote(raw)} is not a number: give {expected}.")
    return float(plain)


def _write_plainly(text: str) -> str | None:
    """A text without marks between thousands and with a decimal point; None where it is not a number."""
    if "," in text and "." not in text:
        with_point = text.replace(",", ".", 1)
        if NUMBER.fullmatch(with_point):
            return with_point
    if NUMBER.fullmatch(text):
        return text
    grouped = GROUPED.fullmatch(text)
    if grouped is None:
        return None
    return f"{grouped['whole'].replace(grouped['mark'], '')}.{grouped['decimals'] or 0}"


def _convert_integer(raw: int) -> float:
    try:
        return float(raw)
    except OverflowError:
        return math.inf


def is_whole(number: float) -> bool:
    """Whether a number is an integer that float64 tells from its neighbours."""
    return number.is_integer() and abs(number) <= LARGEST_INTEGER


def find_written(text: str, known: Collection[str]) -> str | None:
    """Find a text among those `known`; a whole number also in its other form, "3.0" or "3". None for neither."""
    if text in known:
        return text
    if not WHOLE.fullmatch(text):
        return None
    other = text.removesuffix(".0") if text.endswith(".0") else f"{text}.0"
    return other if other in known else None
