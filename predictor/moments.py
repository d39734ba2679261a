"""Moments as people type and read them."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from predictor.languages import get_language

Precision = Literal["day", "minute", "second"]
TIMES: dict[Precision, str] = {"day": "", "minute": ", %H:%M", "second": ", %H:%M:%S"}


def read_moment(text: str) -> datetime:
    """Read a date, or a date with a time, by ISO 8601; in UTC unless it has an offset. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is beyond the years that can be represented") from error


def write_moment(moment: datetime, precision: Precision = "minute", *, short: bool = False) -> str:
    """Write a moment in its own zone, in the manner of the current language: 1 March 2026, 12:30."""
    language = get_language()
    months = language.short_months if short else language.months
    date = language.date.format(day=moment.day, month=months[moment.month - 1], year=moment.year)
    return date + moment.strftime(TIMES[precision])


UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
LONGEST = timedelta(days=100 * 365)


def read_duration(text: str, longest: timedelta = LONGEST) -> timedelta:
    """Read a whole number of hours, days or weeks: 12h, 365d or 52w. Raises ValueError."""
    number, unit = text.strip()[:-1], text.strip()[-1:]
    is_read = number.isascii() and number.isdigit() and len(number) <= 6 and unit in UNITS
    if not is_read or not 0 < int(number) * UNITS[unit] / longest <= 1:
        expected = f"hours (h), days (d) or weeks (w), at most {longest.days}d"
        raise ValueError(f"{text!r} is not a length of time such as 365d: {expected}")
    return int(number) * UNITS[unit]
