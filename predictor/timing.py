"""When something happens again and again: in a word or two, such as "monday 03:00", or as a cron expression.

Expressions are read as Debian's cron does (https://manpages.debian.org/cron.8): where clocks are put forward, what
falls into the missing hour happens right after it; where they are put back, what names an hour happens once, and what
happens in each hour happens in each.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
EXPRESSIONS = {"daily": "{} * * *", "weekly": "{} * * 1", "monthly": "{} 1 * *"}
EXPRESSIONS |= {day: f"{{}} * * {number}" for number, day in enumerate(DAYS)}
WORDS = re.compile(rf"({'|'.join(EXPRESSIONS)})(?: ([01]?[0-9]|2[0-3]):([0-5][0-9]))?")
HOURLY = "0 * * * *"
EXPECTED = 'hourly, daily, weekly, monthly, monday 03:00, or a cron expression such as "0 3 * * 1"'
LONGEST_TEXT = 100
# No clock is put forward or back by more.
LONGEST_SHIFT = timedelta(hours=3)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The moments of a cron expression, whose hours are those of a zone."""

    expression: str
    zone: tzinfo

    def find_next(self, moment: datetime) -> datetime | None:
        """The first moment after another, in UTC; None where there is none within 50 years."""
        return next((each for each in self._list(moment) if each > moment), None)

    def find_newest(self, moment: datetime) -> datetime | None:
        """The last moment that is not after another, in UTC; None where there is none within 50 years."""
        # Where a clock is put back, moments that are later by the clock are earlier.
        earlier = self._list(moment + LONGEST_SHIFT, reverse=True)
        newest = next((each for each in earlier if each <= moment), None)
        # What counts are the moments forwards: backwards, some in zones that shift by half an hour are passed over.
        while newest is not None and (later := self.find_next(newest)) is not None and later <= moment:
            newest = later
        return newest

    def _list(self, start: datetime, *, reverse: bool = False) -> Iterator[datetime]:
        for moment in CronSim(self.expression, start.astimezone(self.zone), reverse=reverse):
            yield moment.astimezone(UTC)


def read_timing(text: str, zone: tzinfo) -> Timing:
    """Read a timing. Raises ValueError, which says what would be right."""
    words = " ".join(text.lower().split())
    timing = Timing(expression=_find_expression(words) or words, zone=zone)
    if len(words.split()) != 5 and timing.expression == words:
        raise ValueError(f"{text!r} is not a schedule: write {EXPECTED}")
    if len(words) > LONGEST_TEXT:
        raise ValueError(f"a cron expression has at most {LONGEST_TEXT} characters, and this one has {len(words)}")
    try:
        is_possible = timing.find_next(datetime.now(UTC)) is not None
    except CronSimError as error:
        field = str(error).removeprefix("Bad ").replace("-", " ")
        expected = "the fields are minute, hour, day of month, month and day of week, such as 0 3 * * 1"
        raise ValueError(f"{text!r} is not a cron expression: its {field} is wrong; {expected}") from error
    if not is_possible:
        raise ValueError(f"{text!r} has no moment within 50 years: write {EXPECTED}")
    return timing


def _find_expression(words: str) -> str | None:
    """The cron expression for a word, with or without a time; None for what is no such word."""
    if words == "hourly":
        return HOURLY
    found = WORDS.fullmatch(words)
    if found is None:
        return None
    word, hour, minute = found.groups(default="0")
    return EXPRESSIONS[word].format(f"{int(minute)} {int(hour)}")


def read_zone(name: str) -> tzinfo:
    """Read the name of a time zone. Raises ValueError."""
    try:
        # Some machines have no database of time zones.
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # Unknown, not a name, and a folder of names.
        raise ValueError(f"{name!r} is not a time zone such as UTC or Europe/Berlin") from error
