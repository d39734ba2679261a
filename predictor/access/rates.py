"""Rates as settings write them, 600/minute, and as messages do."""

import re

from predictor.access.limits import Rate

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 24 * 3600}
# Counts are 32 bits wide, and may exceed the limit by a quarter.
MOST = 1_000_000_000
WRITTEN = re.compile(r"([0-9]{1,10}) ?/ ?(second|minute|hour|day)")
EXPECTED = "a number of rows per second, minute, hour or day, such as 600/minute, or off"


def read_rate(text: str) -> Rate | None:
    """The rate, or None for "off". Raises ValueError."""
    written = text.strip().lower()
    if written == "off":
        return None
    found = WRITTEN.fullmatch(written)
    if not found or not 1 <= int(found[1]) <= MOST:
        raise ValueError(f"{text!r} is not {EXPECTED}")
    return Rate(most=int(found[1]), seconds=SECONDS[found[2]])


def write_rate(rate: Rate) -> str:
    unit = next(name for name, seconds in SECONDS.items() if seconds == rate.seconds)
    return f"{rate.most:,} rows {'an' if unit == 'hour' else 'a'} {unit}"
