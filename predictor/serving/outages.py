"""While the database is away, a commit is tried again; who gets no answer gets one message, on pages and in the API."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import Error, InterfaceError, InternalError, OperationalError, ProgrammingError

from predictor.exceptions import ModelNotReady, Overloaded, TooLate
from predictor.languages import gettext as _
from predictor.models import Prediction
from predictor.serving.claims import Claims
from predictor.serving.history import Store

logger = logging.getLogger(__name__)

T = TypeVar("T")

SECONDS_TO_WAIT = "5"
SECONDS_BETWEEN_TRIES = 0.1
# The database is away, read-only during a failover, or without its tables.
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError, ProgrammingError)


# PostgreSQL's code for a statement that took longer than DATABASE_STATEMENT_SECONDS.
QUERY_CANCELED = "57014"


class DatabaseLost(Exception):  # Caught by serving.batch; the jobs finish with the database's own error.
    """The database is away; whether the last commit was done is unknown."""

    def __init__(self, error: Error) -> None:
        self.error = error


def commit(predictions: list[Prediction], claims: Claims, store: Store, patience: float, *, again: bool) -> None:
    """Insert, over a new connection where the old one broke: its commit may have been done, so the ids stay.

    Raises DatabaseLost once the database was away for `patience` seconds, and the store's error for refused data.
    """
    persist(lambda later: store.insert(predictions, claims, again=again or later), store, patience)


def persist(action: Callable[[bool], T], store: Store, patience: float) -> T:
    """Call `action` until the database is there; with True from the second time on, when the first may have worked.

    Raises DatabaseLost once the database was away for `patience` seconds, and other errors of the action.
    """
    give_up_at = time.monotonic() + patience
    again = False
    while True:
        try:
            return action(again)
        except Error as error:
            # Halves of a batch that took too long would also take too long, one after the other.
            if not is_cancelled(error) and store.is_connected():
                raise
            if time.monotonic() >= give_up_at:
                raise DatabaseLost(error) from error
        again = True
        time.sleep(SECONDS_BETWEEN_TRIES)


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A code for programs and a sentence for people; both come with status 503."""

    code: str
    message: str


def find_outage(error: Exception) -> Outage | None:
    """The outage behind an error that may be temporary, which is logged; None for every other error."""
    if isinstance(error, ModelNotReady):
        logger.error("%s", error)
        return Outage(code="model_not_ready", message=_("This model cannot answer at the moment."))
    if isinstance(error, Overloaded | TooLate):
        logger.error("no answer was given: %s", error)
        return Outage(code="overloaded", message=_("More is asked at the moment than can be answered and kept."))
    if is_cancelled(error):
        logger.error("the database took too long: %s", error)
        return Outage(code="unavailable", message=_("The history takes too long to answer."))
    if isinstance(error, DATABASE_AWAY):
        logger.error("the database cannot be used: %s", error)
        message = _("The history cannot be reached, and no answer is given that is not kept.")
        return Outage(code="unavailable", message=message)
    return None


def is_cancelled(error: Exception) -> bool:
    """Whether the database cancelled a statement that took too long: the connection lives, and nothing was stored."""
    return getattr(error.__cause__, "pgcode", None) == QUERY_CANCELED
