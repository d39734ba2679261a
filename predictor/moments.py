"""Moments as people type them, and as texts keep them."""

from datetime import UTC, datetime


def read_moment(text: str) -> datetime:
    """Read a date, or a date with a time, by ISO 8601; in UTC unless it says otherwise. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} lies beyond the years that there are") from error
