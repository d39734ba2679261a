"""Numbers as people write them: with a decimal point or comma, and with separators of thousands."""

import math
import re
from collections.abc import Callable, Collection

import msgspec

from predictor.exceptions import InvalidValue
from predictor.languages import get_language
from predictor.languages import gettext as _
from predictor.problems import Code, Problem

# Python's own float() also takes "1_0", "nan", "infinity" and digits of other scripts. Each digit matches in one way
# only: with `\d+\.?\d*`, the time for a long invalid number grows with the square of its length.
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
# "1,234" is 1234 to some and 1.234 to others; "0,123" and "1234,567" can only be decimals.
UNCLEAR_PATTERN = r"[+-]?[1-9][0-9]{0,2}MARK[0-9]{3}"
UNCLEAR_COMMA = re.compile(UNCLEAR_PATTERN.replace("MARK", ","))
# Where pages write decimals with a comma, "1.234" can be read in two ways, too.
UNCLEAR = {".": UNCLEAR_COMMA, ",": re.compile(UNCLEAR_PATTERN.replace("MARK", "[,.]"))}
# These separate thousands and never decimals: spaces, breaking or not, and two kinds of apostrophe.
GROUP_MARKS = "'’ \u00a0\u202f"
# One separator throughout, and another one before the decimals.
GROUPED = re.compile(
    rf"(?P<whole>[+-]?[1-9][0-9]{{0,2}}(?P<mark>[.,{GROUP_MARKS}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*)"
    r"(?:(?!(?P=mark))[.,](?P<decimals>[0-9]+))?"
)
# The same for polars, which has no look-ahead: with a point, with a comma, and either with separators of thousands.
NUMBER_PATTERN = f"(?i:{NUMBER.pattern})".replace(r"\d", "[0-9]")
COMMA_PATTERN = NUMBER_PATTERN.replace(r"\.", ",")
GROUPED_PATTERN = rf"[+-]?[0-9]{{1,3}}(?:[.,{GROUP_MARKS}][0-9]{{3}})+(?:[.,][0-9]+)?"
LIKE_NUMBER_PATTERN = f"{NUMBER_PATTERN}|{COMMA_PATTERN}|{GROUPED_PATTERN}"
# Currencies whose decimals follow a point everywhere, never a comma.
WITH_POINTS = frozenset({"$", "US$", "A$", "C$", "£", "¥", "₹"})
SIGNS = tuple("+-−")
# More than any float64 with all of its digits before the point.
MOST_CHARACTERS = 400
# Float64 turns 2⁵³ + 1 into 2⁵³, too; up to here, it distinguishes all integers.
LARGEST_INTEGER = 2**53 - 1
# An integer as people write it, or as pandas does in a column with missing values.
WHOLE = re.compile(r"-?[0-9]+(\.0)?")


def read_amount(raw: str | float, unit: str, expect: Callable[[], str]) -> float:
    """Read a number as `read_number` does, with its unit or without it: "45 %", "-$5".

    After a currency whose decimals have a point everywhere, a single comma separates thousands: "$1,200".
    """
    number = strip_unit(raw, unit)
    if (
        unit in WITH_POINTS
        and isinstance(number, str)
        and unit in str(raw)
        and get_language().decimal_mark == "."
        and UNCLEAR_COMMA.fullmatch(number.replace("−", "-"))
    ):
        number = number.replace(",", "")
    try:
        return read_number(number, expect)
    except InvalidValue as error:
        raise InvalidValue(msgspec.structs.replace(error.problem, given=raw)) from error


def strip_unit(raw: str | float, unit: str) -> str | float:
    """A text without its unit, before or after the number and its sign; anything else as it is."""
    if not unit or not isinstance(raw, str):
        return raw
    text = raw.strip()
    if text.endswith(unit) and text[-1] not in "0123456789":
        return text.removesuffix(unit).rstrip() or raw
    sign = text[0] if text[:1] in SIGNS else ""
    amount = text.removeprefix(sign)
    if not amount.startswith(unit) or amount[0] in "0123456789.,":
        return raw
    number = amount.removeprefix(unit).lstrip()
    return f"{sign}{number}" if number and not (sign and number[0] in SIGNS) else raw


def read_number(raw: str | float, expect: Callable[[], str]) -> float:
    """Read a finite number: a float or an integer as it is, a text as people write it.

    A point or a comma separates decimals. Separators of thousands are accepted where each group has three digits and
    both separators are unambiguous: "1.234,5", "1,234,567", "1 234". Where our own numbers have a decimal point, a
    single point is always one. Raises InvalidValue, with what `expect` describes or both readings of an ambiguous text.
    """
    if isinstance(raw, float) and math.isfinite(raw):
        return float(raw)
    if isinstance(raw, str):
        number = _read_text(raw, expect)
    elif isinstance(raw, int) and not isinstance(raw, bool):
        number = _convert_integer(raw)
    else:
        raise _refuse("not_a_number", raw, expect())
    if not math.isfinite(number):
        raise _refuse("number_too_large", raw, expect())
    return number


def _refuse(code: Code, raw: str | float, expected: str) -> InvalidValue:
    return InvalidValue(Problem(code=code, given=raw, expected=expected))


def _read_text(raw: str, expect: Callable[[], str]) -> float:
    if len(raw) > MOST_CHARACTERS:
        raise _refuse("number_too_long", raw, expect())
    text = raw.strip()
    mark = get_language().decimal_mark
    if NUMBER.fullmatch(text) and (mark == "." or not UNCLEAR[mark].fullmatch(text)):
        return float(text)
    text = text.replace("−", "-")
    if UNCLEAR[mark].fullmatch(text):
        raise _refuse("ambiguous_number", raw, _write_readings(text.replace(",", "."), mark))
    plain = _write_plainly(text)
    if plain is None:
        raise _refuse("not_a_number", raw, expect())
    return float(plain)


def _write_readings(text: str, mark: str) -> str:
    """Both numbers that "1.234" may be, each so that it can be read in one way only."""
    decimal = text if mark == "." else f"{text.replace('.', mark)}0"
    return _("{whole} or {decimal}").format(whole=text.replace(".", ""), decimal=decimal)


def _write_plainly(text: str) -> str | None:
    """The text with a decimal point and without separators of thousands; None where it is not a number."""
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
    """Whether a number is an integer that float64 distinguishes from its neighbours."""
    return number.is_integer() and abs(number) <= LARGEST_INTEGER


def find_written(text: str, known: Collection[str]) -> str | None:
    """Find a text in `known`; an integer also in its other form, "3.0" or "3". None where neither is in it."""
    if text in known:
        return text
    if not WHOLE.fullmatch(text):
        return None
    other = text.removesuffix(".0") if text.endswith(".0") else f"{text}.0"
    return other if other in known else None
