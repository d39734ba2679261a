"""The time in the ids of predictions, which are UUIDv7 and so ordered by it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

BITS_AFTER_TIME = 80
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def find_first_id(moment: datetime) -> UUID:
    """The least id of a prediction that was made at or after a moment."""
    milliseconds = -((EPOCH - moment) // MILLISECOND)  # Rounded up: a millisecond that began before is not after.
    return UUID(int=max(milliseconds, 0) << BITS_AFTER_TIME)


def find_moment(id: UUID) -> datetime:
    """When the prediction with this id was made, to the millisecond."""
    return EPOCH + MILLISECOND * (id.int >> BITS_AFTER_TIME)
