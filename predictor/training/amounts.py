"""Reads columns of texts in which numbers have one unit, or separators of thousands: "$1,200", "45%", "59 kg"."""

import re
from dataclasses import dataclass

import polars as pl

from predictor.numbers import UNCLEAR_PATTERN, WITH_POINTS
from predictor.tables.cells import are_codes, match_whole
from predictor.texts import quote

CURRENCY = r"[A-Z]{0,3}\p{Sc}"
SIGN = "[+−-]?"
DIGITS = r"(?:[0-9][0-9.,'’ \u00a0\u202f]*)?[.,]?[0-9]"
# A word is a unit only after a blank: "3B" is a code, and so is "Q3".
TEXT = (
    rf"^(?P<sign>{SIGN})(?P<before>{CURRENCY})?\s*(?P<inner>{SIGN})(?P<digits>{DIGITS})"
    rf"(?:\s*(?P<after>%|‰|°[CF]?|{CURRENCY})|\s+(?P<word>\p{{L}}[\p{{L}}/²³·. ]{{0,19}}))?$"
)
# By the separator of thousands, as a pattern, and the decimal mark.
STYLES = ((",", "."), (".", ","), ("[ \u00a0\u202f]", "."), ("[ \u00a0\u202f]", ","), ("['’]", "."), ("['’]", ","))


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """A column's numbers, and the unit that all of its texts have; empty where they have none."""

    numbers: pl.Series
    unit: str


def read_amounts(series: pl.Series) -> Amounts | None:
    """Read a column of texts; None unless all of them have one unit and, taken together, can be read in one way."""
    found = _divide(series)
    numbers = _read_digits(found[0]["digits"], found[1]) if found else None
    if found is None or numbers is None:
        return None
    parts, unit = found
    is_negative = (parts["sign"] + parts["inner"]).str.contains("[−-]")
    signed = pl.select(pl.when(is_negative).then(-numbers).otherwise(numbers)).to_series()
    return Amounts(numbers=signed.alias(series.name), unit=unit)


def describe_unclear(series: pl.Series) -> str:
    """Why a column whose texts all have one unit is not read as numbers; empty where it is, or has no unit."""
    found = _divide(series) if series.dtype == pl.String else None
    if found is None or not found[1] or _read_digits(found[0]["digits"], found[1]) is not None:
        return ""
    example = quote(find_example(series))
    return f"{example} may be thousands or a decimal, so it stays a text: write it without separators of thousands"


def find_example(series: pl.Series) -> str:
    """The first text of a column that has a separator; its first one where none has."""
    found: str = next((text for text in series if text and ("," in text or "." in text)), series.drop_nulls()[0])
    return found


def _divide(series: pl.Series) -> tuple[pl.DataFrame, str] | None:
    """The parts of each text, and the unit that all have; None where they are something else, or have several."""
    texts = series.str.strip_chars()
    parts = texts.str.extract_groups(TEXT).struct.unnest()
    present = parts.filter(texts.is_not_null())
    if not len(present) or present["digits"].has_nulls() or are_codes(texts.drop_nulls()):
        return None
    units = present.select("before", "after", "word").unique()
    named = [unit for unit in units.row(0) if unit] if len(units) == 1 else []
    if len(units) > 1 or len(named) > 1 or ((present["sign"] != "") & (present["inner"] != "")).any():
        return None
    return parts, named[0].strip() if named else ""


def _read_digits(digits: pl.Series, unit: str) -> pl.Series | None:
    """The numbers in the one way in which all can be read."""
    present = digits.drop_nulls()
    readings = {style: _read_style(digits, *style) for style in STYLES if _fits(present, *style)}
    if not readings:
        return None
    first, *others = readings.values()
    if all(first.equals(other, null_equal=True) for other in others):
        return first
    # A point alone is decimal everywhere on the site, and a comma is not where the currency has a decimal point.
    has_commas = present.str.contains(",", literal=True).any()
    points = present.filter(present.str.contains(".", literal=True))
    may_be_thousands = has_commas or match_whole(points, UNCLEAR_PATTERN.replace("MARK", r"\.")).all()
    is_currency = bool(re.search(r"[^\w\s%‰°/²³·.]", unit))
    if unit in WITH_POINTS or not (has_commas or (is_currency and may_be_thousands)):
        return readings.get(STYLES[0])
    return None


def _fits(digits: pl.Series, mark: str, point: str) -> bool:
    point = re.escape(point)
    mark = re.escape(mark) if len(mark) == 1 else mark
    pattern = rf"(?:[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+|[0-9]+)(?:{point}[0-9]+)?|{point}[0-9]+"
    return bool(match_whole(digits, pattern).all())


def _read_style(digits: pl.Series, mark: str, point: str) -> pl.Series:
    plain = digits.str.replace_all(re.escape(mark) if len(mark) == 1 else mark, "")
    return plain.str.replace(point, ".", literal=True).cast(pl.Float64)
