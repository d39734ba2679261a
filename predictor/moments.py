"""Moments as people type them."""

from datetime import UTC, datetime


def read_moment(text: str) -> datetime:
    """Read a date, or a date with a time, by ISO 8601; in UTC unless it has an offset. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is beyond the years that can be represented") from error
