"""Dates, dates with a time, and times of day: read from ISO 8601 or a column's own form, and encoded as one number.

Values are stored as ISO 8601 texts. `minimum`, `maximum` and `seen` are numbers as encoded.
"""

import math
import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from predictor.formats import Written
from predictor.languages import ENGLISH, get_language
from predictor.languages import gettext as _
from predictor.moments import write_moment
from predictor.problems import Code
from predictor.schema.described import Described
from predictor.schema.values import Value
from predictor.schema.warning import InputWarning

EPOCH = datetime(1970, 1, 1)
EPOCH_DAY = date(1970, 1, 1).toordinal()
# A year of four digits to seconds: 20260301123059.
LONGEST = 10**14
MICROSECOND = timedelta(microseconds=1)
# Python's own readers take less than ISO 8601 in some places, and more in others, such as any mark before the time.
TIME_PATTERN = r"\d{2}:?\d{2}(:?\d{2}([.,]\d{1,9})?)?"
ISO_TIME = re.compile(TIME_PATTERN, re.ASCII)
ISO_DATETIME = re.compile(rf"[\dW-]{{7,10}}[T ]{TIME_PATTERN}(Z|[+-]\d{{2}}(:?\d{{2}}(:?\d{{2}})?)?)?", re.ASCII)

# ISO 8601 without an offset, for which JSON Schema has no format of its own; the names are of OpenAPI's registry.
LOCAL_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
LOCAL_DATETIME = rf"[1-9][0-9]{{3}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T{LOCAL_TIME}"


class Temporal(Described, frozen=True, kw_only=True):
    """What dates and times share. `format` is the column's own form, by strptime; ISO 8601 is always taken too."""

    not_one: ClassVar[Code]
    reads_texts: ClassVar[bool] = True

    seen: tuple[float, ...] = ()
    typical: str | None = None
    format: str = ""

    def find_warning(self, value: Value) -> InputWarning | None:
        if value is None or not self.seen or self.seen[0] <= self.encode(value) <= self.seen[-1]:
            return None
        return InputWarning(code="outside_seen", field=self.name, value=value, seen=self._seen_ends)

    def write_warning(self, warning: InputWarning) -> str:
        return write_outside(self.label, self.write(warning.value), self._write_range(warning.seen))

    def list_extremes(self) -> list[float]:
        return [*self.seen, *(end for end in (self.minimum, self.maximum) if end is not None)]

    @property
    def seen_range(self) -> Written | None:
        return self._write_range(self._seen_ends) if self.seen else None

    @property
    def _seen_ends(self) -> tuple[Value, ...]:
        return self.decode(self.seen[0]), self.decode(self.seen[-1])

    def _write_range(self, ends: tuple[Value, ...]) -> Written:
        low, high = (self.write(end).text for end in ends)
        return Written(text=_("{low} to {high}").format(low=low, high=high))

    def decode(self, number: float) -> str:
        """The value, as it is stored, that is encoded as this number."""
        raise NotImplementedError

    def write_typed(self, value: Value) -> str:
        """Write a value as browsers take it in this kind's input; empty where it is missing."""
        return str(value or "")

    def _find_limit(self, code: Code) -> float | str | None:
        limit = {"too_early": self.minimum, "too_late": self.maximum}.get(code)
        return None if limit is None else self.write(self.decode(limit)).text

    def _read(self, given: str | float) -> str:
        value = self._convert(given)
        number = self.encode(value)
        if self.minimum is not None and number < self.minimum:
            raise self._refuse("too_early", given)
        if self.maximum is not None and number > self.maximum:
            raise self._refuse("too_late", given)
        return value

    def _convert(self, value: str | float) -> str:
        # A date such as 20260301 is a whole number where a table or a program has types; of others, zeros may be lost.
        is_whole = type(value) is int and 0 <= value < LONGEST and self.format.startswith("%Y")
        text = str(value) if is_whole else value
        if not isinstance(text, str):
            raise self._refuse(self.not_one, value)
        moment = self.find_moment(text.strip())
        if moment is None:
            raise self._refuse(self.not_one, value)
        return self._store(moment, text)

    def find_moment(self, text: str) -> datetime | None:
        """Read ISO 8601, or else the column's own form; a date is midnight, and a time is on some day."""
        try:
            return self._read_iso(text.upper())
        except ValueError:
            pass
        try:
            return datetime.strptime(text, self.format) if self.format else None
        except ValueError:
            return None

    def _read_iso(self, text: str) -> datetime:
        """Raises ValueError."""
        raise NotImplementedError

    def _store(self, moment: datetime, given: str) -> str:
        """The value to store. Raises InvalidValue."""
        raise NotImplementedError


class Date(Temporal, frozen=True, kw_only=True, tag="date"):
    """Encoded as days since 1970."""

    kind: ClassVar[Literal["date"]] = "date"
    not_one: ClassVar[Code] = "not_a_date"
    fitting: ClassVar[str] = "a date such as 2026-03-01, or one that fits `format`"

    @property
    def expected(self) -> str:
        return _("a date such as {example}").format(example=self.typical or "2026-03-01")

    def describe_json(self) -> dict[str, str]:
        return {"type": "string", "format": "date"}

    def encode(self, value: Value) -> float:
        return math.nan if value is None else float(date.fromisoformat(str(value)).toordinal() - EPOCH_DAY)

    def decode(self, number: float) -> str:
        return date.fromordinal(int(number) + EPOCH_DAY).isoformat()

    def write(self, value: Value) -> Written:
        return Written(text=written) if (written := write_temporal("date", value)) else super().write(value)

    def _read_iso(self, text: str) -> datetime:
        return datetime.combine(date.fromisoformat(text), time())

    def _store(self, moment: datetime, given: str) -> str:
        return moment.date().isoformat()


class Datetime(Temporal, frozen=True, kw_only=True, tag="datetime"):
    """Encoded as seconds since 1970: in UTC where it has a `zone`, in which times without an offset are read."""

    kind: ClassVar[Literal["datetime"]] = "datetime"
    not_one: ClassVar[Code] = "not_a_datetime"
    fitting: ClassVar[str] = (
        "a date and time such as 2026-03-01T12:30, or one that fits `format`, all with a zone or all without"
    )

    zone: str = ""

    @property
    def expected(self) -> str:
        example = self.typical or "2026-03-01T12:30"
        if not self.zone:
            return _("a date and time such as {example}").format(example=example)
        sentence = _("a date and time such as {example}, in {zone} or with an offset")
        return sentence.format(example=example, zone=self.zone)

    def describe_json(self) -> dict[str, str]:
        if self.zone:
            return {"type": "string", "format": "date-time", "x-zone": self.zone}
        return {"type": "string", "format": "date-time-local", "pattern": f"^{LOCAL_DATETIME}$"}

    def encode(self, value: Value) -> float:
        if value is None:
            return math.nan
        return count_seconds(datetime.fromisoformat(str(value)))

    def decode(self, number: float) -> str:
        moment = EPOCH + timedelta(seconds=number)
        return (moment.replace(tzinfo=UTC).astimezone(self._zone) if self.zone else moment).isoformat()

    def write(self, value: Value) -> Written:
        return Written(text=written) if (written := write_temporal("datetime", value)) else super().write(value)

    def write_typed(self, value: Value) -> str:
        if value is None:
            return ""
        moment = datetime.fromisoformat(str(value))
        return (moment.astimezone(self._zone).replace(tzinfo=None) if moment.tzinfo else moment).isoformat()

    @cached_property
    def _zone(self) -> tzinfo:
        return find_zone(self.zone)

    def _read_iso(self, text: str) -> datetime:
        if not ISO_DATETIME.fullmatch(text):
            raise ValueError("not a date with a time")
        return datetime.fromisoformat(text)

    def _find_limit(self, code: Code) -> float | str | None:
        return self.zone if code == "skipped_time" else super()._find_limit(code)

    def _store(self, moment: datetime, given: str) -> str:
        if moment.tzinfo and not self.zone:
            raise self._refuse("unexpected_zone", given)
        if self.zone and not moment.tzinfo:
            moment = moment.replace(tzinfo=self._zone)
            # By PEP 495, these are the offsets before and after the clocks change.
            before, after = moment.utcoffset(), moment.replace(fold=1).utcoffset()
            if before is not None and after is not None and before < after:
                raise self._refuse("skipped_time", given)
        return moment.isoformat()


class Time(Temporal, frozen=True, kw_only=True, tag="time"):
    """Encoded as seconds since midnight."""

    kind: ClassVar[Literal["time"]] = "time"
    not_one: ClassVar[Code] = "not_a_time"
    fitting: ClassVar[str] = "a time such as 08:30, or one that fits `format`"

    @property
    def expected(self) -> str:
        return _("a time such as {example}").format(example=self.typical or "08:30")

    def describe_json(self) -> dict[str, str]:
        return {"type": "string", "format": "time-local", "pattern": f"^{LOCAL_TIME}$"}

    def encode(self, value: Value) -> float:
        if value is None:
            return math.nan
        return (datetime.combine(EPOCH, time.fromisoformat(str(value))) - EPOCH) // MICROSECOND / 1e6

    def decode(self, number: float) -> str:
        return (EPOCH + timedelta(seconds=number)).time().isoformat()

    def write(self, value: Value) -> Written:
        return Written(text=written) if (written := write_temporal("time", value)) else super().write(value)

    def _read_iso(self, text: str) -> datetime:
        if not ISO_TIME.fullmatch(text):
            raise ValueError("not a time")
        return datetime.combine(EPOCH, time.fromisoformat(text))

    def _store(self, moment: datetime, given: str) -> str:
        return moment.time().isoformat()


def count_seconds(moment: datetime) -> float:
    """The seconds since 1970: in UTC where the moment has an offset."""
    # Not in UTC, which may be beyond the years that Python knows.
    since = moment.replace(tzinfo=None) - EPOCH - (moment.utcoffset() or timedelta())
    return since // MICROSECOND / 1e6


def find_zone(name: str) -> tzinfo:
    """The time zone of this name, such as Europe/Berlin. Raises ValueError or a ZoneInfoNotFoundError."""
    return UTC if name == "UTC" else ZoneInfo(name)


def write_outside(label: str, value: Written, seen: Written) -> str:
    """The warning for a value outside the range seen in training; neither has its unit."""
    sentence = _("{label}: {value} is outside what the model has seen: {range}")
    return sentence.format(label=label, value=value.text, range=seen.text)


def write_temporal(kind: str, value: Value) -> str:
    """Write a stored date, date with a time, or time: on a page in the manner of its language, elsewhere by ISO 8601.

    Empty for what is none, such as a row that was changed by hand.
    """
    if not isinstance(value, str):
        return ""
    try:
        moment = datetime.combine(EPOCH, time.fromisoformat(value)) if kind == "time" else datetime.fromisoformat(value)
    except ValueError:
        return ""
    has_seconds = moment.second or moment.microsecond
    day, _blank, clock = moment.isoformat(" ", "auto" if has_seconds else "minutes").partition(" ")
    if kind == "time":
        return clock
    if get_language() is ENGLISH:
        return day if kind == "date" else f"{day} {clock}"
    day = write_moment(moment, "day", short=True)
    return day if kind == "date" else f"{day}, {_name_zone(clock)}"


def _name_zone(clock: str) -> str:
    """A time whose offset, where it has one, is named: 12:30 UTC+01:00."""
    clock, sign, offset = re.split(r"([+-]|$)", clock, maxsplit=1)
    return f"{clock} UTC{sign}{offset}".removesuffix("+00:00") if sign else clock
