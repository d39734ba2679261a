"""Formats numbers for people: on pages, in the admin, in commands and in charts; in the current language.

History, API, files, form fields and `data-value` keep every digit instead.
"""

import math
import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

import msgspec

from predictor.languages import get_language
from predictor.languages import gettext as _

MISSING = "–"
NO_BREAK_SPACE = "\u00a0"
MOST_DIGITS = 10
# Without a unit, a number of four digits may be a year, which is not grouped.
GROUPED_FROM, BARE_GROUPED_FROM = 1_000, 10_000
# Numbers beyond these have an exponent instead of zeros that cannot be counted at a glance.
SMALLEST_IN_FULL, EXPONENT_FROM = 1e-9, 1e15
LARGEST_WHOLE = 2**53
# The prefixes of a dollar, a pound or a yen that name its country. "k$" and "M€" are other units.
COUNTRIES = frozenset({"", "A", "AU", "C", "CA", "CN", "HK", "JP", "MX", "NT", "NZ", "R", "S", "US"})
# The international system of units puts no space before these (SI brochure, 9th edition, section 5.4.3).
ANGLES = frozenset({"°", "′", "″"})
# "1,234" can be read in two ways, and is asked back where it is typed.
UNCLEAR = re.compile(r"-?[1-9][0-9]{0,2},[0-9]{3}")


# Structs, which are made in a fraction of a dataclass's time: each page makes about ten.
class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A number with its unit. `text` includes a unit without a space; `unit` is one that follows after a space.

    `band` are the words for the range that the number is in, where there are any.
    """

    text: str
    unit: str = ""
    band: str = ""

    def __str__(self) -> str:
        number = f"{self.text}{NO_BREAK_SPACE}{self.unit}" if self.unit else self.text
        return f"{number} ({self.band})" if self.band else number


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """The format of the numbers of one quantity: their unit and precision.

    Numbers are rounded to `decimals` (-3 rounds to thousands), or where that is None to `digits` significant ones, and
    to no more than `most_decimals`.
    """

    unit: str = ""
    decimals: int | None = None
    digits: int = MOST_DIGITS
    most_decimals: int | None = None

    def write(self, value: float | str | bool | None) -> Written:
        """Format one value; only numbers have a unit."""
        if isinstance(value, str | bool) or value is None or not math.isfinite(value):
            return Written(text=format_value(value))
        return _add_unit(self.write_alone(value), self.unit)

    def write_alone(self, number: float) -> str:
        """Format the number without its unit, which is shown elsewhere."""
        rounded = number if self.most_decimals is None else round(number, self.most_decimals)
        return _format(rounded, self.decimals, self.digits, GROUPED_FROM if self.unit else BARE_GROUPED_FROM)

    def write_range(self, low: float, high: float) -> Written:
        """Format “low to high”: a dash could be read as the sign of a negative number."""
        return self._join(_("{low} to {high}"), low, high)

    def write_spread(self, mean: float, deviation: float) -> Written:
        """Format “mean ± deviation”, the deviation with 2 significant digits and the mean with the same decimals."""
        return msgspec.structs.replace(self, decimals=find_decimals(deviation, 2))._join(
            "{low} ± {high}", mean, deviation
        )

    def _join(self, form: str, first: float, second: float) -> Written:
        low, high = self.write(first), self.write(second)
        return Written(text=form.format(low=low.text, high=high.text), unit=high.unit)


def find_decimals(size: float, digits: int) -> int | None:
    """The decimals that give a number of this size so many significant digits; None for 0 and infinity."""
    return digits - 1 - math.floor(math.log10(size)) if 0 < size < math.inf else None


def find_interval_decimals(low: float, high: float, *, inside: float | None = None) -> int | None:
    """The decimals for an interval: 2 significant digits of its half width.

    Where it is wider on one side of the prediction `inside`, the half on the other side counts.
    """
    low, high = float(low), float(high)
    halves = [high - inside, inside - low] if inside is not None and low < inside < high else [(high - low) / 2]
    return find_decimals(min(halves), 2)


def format_value(value: float | str | bool | None) -> str:
    """Format a value of any kind without a unit: a text as it is, a boolean as yes or no, missing as “–”."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value if isinstance(value, str) else format_number(value)


def format_label(label: str | int | bool) -> str:
    """Format the label of a class, whose digits are a name, not a quantity."""
    return format_value(label) if isinstance(label, bool) else str(label)


def format_number(number: float | None, *, decimals: int | None = None, digits: int = MOST_DIGITS) -> str:
    """Format a number without a unit: groups of three digits from 10,000 on, no exponent from 1e-9 up to 1e15.

    It is rounded to `decimals`, which are then all shown, unless that is more than 10 significant digits; otherwise to
    `digits` significant digits, without trailing zeros. An int keeps all of its digits; missing and non-finite numbers
    are “–”.
    """
    return _format(number, decimals, digits, BARE_GROUPED_FROM)


def write_count(number: int, one: str, many: str = "") -> str:
    """Write in English how many there are: 1 row, 2 rows. `many` is the plural where it is not `one` with an s."""
    return f"{format_number(number)} {one if number == 1 else many or f'{one}s'}"


def format_size(size: int) -> str:
    """Write a number of bytes in MB, or in kB or B where it is smaller."""
    if size < 1_000:
        return f"{size} B"
    unit, amount = ("MB", size / 1_000_000) if size >= 1_000_000 else ("kB", size / 1_000)
    return f"{format_number(amount, decimals=1 if amount < 100 else 0)} {unit}"


def format_plain(value: float | str | bool | None) -> str:
    """Format a value like `format_value`, but without groups, to be copied into a field or a recipe."""
    if isinstance(value, str | bool):
        return format_value(value)
    return _make_clear(_format(value, None, MOST_DIGITS, math.inf))


def format_exact(number: float) -> str:
    """Write all digits of a number as a field takes it: `read_number` reads it back in the same language."""
    return _make_clear(_use_marks(repr(number).removesuffix(".0"), math.inf))


def _make_clear(text: str) -> str:
    """The same number with one more decimal where it can be read in two ways."""
    return f"{text}0" if UNCLEAR.fullmatch(text) else text


def format_share(share: float, *, decimals: int = 1) -> str:
    """Format a share of 1 as a percentage."""
    return str(Quantity(unit="%", decimals=decimals).write(share * 100))


def _format(number: float | None, decimals: int | None, digits: int, grouped_from: float) -> str:
    if number is None or not math.isfinite(number):
        return MISSING
    if isinstance(number, int) and decimals is None and digits == MOST_DIGITS and abs(number) <= LARGEST_WHOLE:
        text = str(number)
    else:
        # Adding 0.0 turns −0.0 into 0.0.
        text = _spell_out(_round(float(number) + 0.0, decimals, digits))
    return _use_marks(text, grouped_from)


def _round(number: float, decimals: int | None, digits: int) -> str:
    """Round to decimals where they are significant in this number, otherwise to significant digits."""
    if decimals is None:
        return f"{number:.{digits}g}"
    if not number:
        return f"{number:.{max(decimals, 0)}f}" if decimals < MOST_DIGITS else "0"
    meant = math.floor(math.log10(abs(number))) + 1 + decimals
    is_in_full = SMALLEST_IN_FULL <= abs(number) < EXPONENT_FROM
    if meant > MOST_DIGITS or (meant > 0 and not is_in_full):
        return f"{number:.{min(meant, MOST_DIGITS)}g}"
    return f"{round(number, decimals) + 0.0:.{max(decimals, 0)}f}"


def _spell_out(text: str) -> str:
    """Write out a number's exponent, unless the number needs one."""
    if "e" not in text:
        return text
    is_in_full = SMALLEST_IN_FULL <= abs(float(text)) < EXPONENT_FROM
    return f"{Decimal(text):f}" if is_in_full else f"{Decimal(text):e}".replace("e+", "e")


def _use_marks(text: str, grouped_from: float) -> str:
    """Group the thousands of a number from `grouped_from` on, and separate its decimals, as the language does."""
    language = get_language()
    whole, point, rest = text.partition(".")
    if len(whole) > 3 and whole.lstrip("-").isdigit() and abs(int(whole)) >= grouped_from:
        whole = f"{int(whole):,}".replace(",", language.group_mark)
    return f"{whole}{language.decimal_mark}{rest}" if point else whole


def _add_unit(text: str, unit: str) -> Written:
    if is_before(unit) and get_language().is_currency_first:
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        return Written(text=f"{sign}{unit}{digits}")
    return Written(text=text + unit) if unit in ANGLES else Written(text=text, unit=unit)


@lru_cache(maxsize=1000)
def is_before(unit: str) -> bool:
    """Whether a unit is a currency sign before the number, as in $5; the cent and all codes follow: 5 ¢, 5 USD."""
    return unit[:-1] in COUNTRIES and unit[-1:] != "¢" and bool(unit) and unicodedata.category(unit[-1]) == "Sc"
