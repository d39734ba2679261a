"""The messages for times when no answer can be given; the same on pages and in the API."""

import logging
from dataclasses import dataclass

from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError

from predictor.exceptions import ModelNotReady, Overloaded, TooLate

logger = logging.getLogger(__name__)

SECONDS_TO_WAIT = "5"
# The database is away, read-only during a failover, or without its tables.
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError, ProgrammingError)


# PostgreSQL's code for a statement that took longer than DATABASE_STATEMENT_SECONDS.
QUERY_CANCELED = "57014"


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A code for programs and a sentence for people; both come with status 503."""

    code: str
    message: str


def find_outage(error: Exception) -> Outage | None:
    """The outage behind an error that may be temporary, which is logged; None for every other error."""
    if isinstance(error, ModelNotReady):
        logger.error("%s", error)
        return Outage(code="model_not_ready", message="This model cannot answer at the moment.")
    if isinstance(error, Overloaded | TooLate):
        logger.error("no answer was given: %s", error)
        return Outage(code="overloaded", message="More is asked at the moment than can be answered and kept.")
    if is_cancelled(error):
        logger.error("the database took too long: %s", error)
        return Outage(code="unavailable", message="The history takes too long to answer.")
    if isinstance(error, DATABASE_AWAY):
        logger.error("the database cannot be used: %s", error)
        message = "The history cannot be reached, and no answer is given that is not kept."
        return Outage(code="unavailable", message=message)
    return None


def is_cancelled(error: Exception) -> bool:
    """Whether the database cancelled a statement that took too long: the connection lives, and nothing was stored."""
    return getattr(error.__cause__, "pgcode", None) == QUERY_CANCELED
