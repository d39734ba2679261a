"""The ends of ranges of dates and times, as people give them and as stored values are compared with them.

A stored value is compared with as many of its characters as a limit has, so that a day includes its evening and 12:30
the whole minute; one with an offset, as a moment.
"""

import re
from calendar import monthrange
from datetime import date, datetime, time

from predictor.exceptions import InvalidValue
from predictor.schema.temporal import ISO_DATETIME, ISO_TIME, Date, Datetime, Time, count_seconds, find_zone

MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
# A date with a time and an offset, as it is stored.
INSTANT = re.compile(
    r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
    r"[+-]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
)


def read_limit(feature: Date | Datetime | Time, text: str, *, is_end: bool) -> str:
    """Read the start or the end of a range of an input: ISO 8601, which may be a day or a month, or its own form.

    `minimum` and `maximum` are not checked. Raises InvalidValue.
    """
    day = None if isinstance(feature, Time) else read_day(text, is_end=is_end)
    if day is not None and not getattr(feature, "zone", ""):
        return day.isoformat()
    moment = feature.find_moment(text) if day is None else datetime.combine(day, time.max if is_end else time.min)
    if moment is None:
        raise InvalidValue(feature.make_problem(feature.not_one, text))
    if isinstance(feature, Date):
        return moment.date().isoformat()
    has_seconds = day is not None or is_to_the_second(feature, text)
    if isinstance(feature, Time):
        return moment.time().isoformat("auto" if has_seconds else "minutes")
    if feature.zone:
        return write_instant(feature, moment, has_seconds=has_seconds, is_end=is_end)
    if moment.tzinfo:
        raise InvalidValue(feature.make_problem("unexpected_zone", text))
    return moment.isoformat(timespec="auto" if has_seconds else "minutes")


def read_day(text: str, *, is_end: bool) -> date | None:
    """The date that a text is, or the first or last one of the month that it is; None for any other text."""
    month = MONTH.fullmatch(text)
    try:
        if not month:
            return date.fromisoformat(text.upper())
        first = date(int(month[1]), int(month[2]), 1)
    except ValueError:
        return None
    return first.replace(day=monthrange(first.year, first.month)[1]) if is_end else first


def is_to_the_second(feature: Datetime | Time, text: str) -> bool:
    iso = (ISO_TIME if isinstance(feature, Time) else ISO_DATETIME).fullmatch(text.upper())
    return bool(iso[1]) if iso else any(part in feature.format for part in ("%S", "%T", "%X", "%c"))


def write_instant(feature: Datetime, moment: datetime, *, has_seconds: bool, is_end: bool) -> str:
    """A moment with its offset; as an end, the last microsecond of the second or minute that was given."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=find_zone(feature.zone), fold=int(is_end))
    if is_end and not moment.microsecond:
        moment = moment.replace(second=moment.second if has_seconds else 59, microsecond=999_999)
    return moment.isoformat()


def count_instant(text: str) -> float | None:
    """The seconds since 1970 in UTC of a date with a time and an offset, as it is stored; None for any other text."""
    if not INSTANT.fullmatch(text):
        return None
    try:
        return count_seconds(datetime.fromisoformat(text))
    except ValueError:
        return None
