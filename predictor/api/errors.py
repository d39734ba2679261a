"""The one place where errors become answers of the API: a status, a code for programs and a message for people."""

import logging

from django.http import UnreadablePostError
from django.urls import Resolver404

from predictor.access.callers import Forbidden, Unauthorized
from predictor.access.shares import RateExceeded
from predictor.access.visitors import TooOften
from predictor.api.bodies import NO_ADDRESS, Refused
from predictor.exceptions import (
    ContentTooLarge,
    InvalidFilters,
    KeyReused,
    ModelNotFound,
    ModelRetired,
    NoAnswer,
    PredictionForgotten,
    RepeatedKey,
    UnreadableContent,
    UnsupportedContent,
)
from predictor.serving.outages import find_outage
from predictor.texts import quote

logger = logging.getLogger(__name__)


def make_refusal(error: Exception, path: str) -> Refused:
    """The answer for the error that is being handled; one that nobody expects is logged with its request's path."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, Unauthorized):
        return Refused(401, "unauthorized", str(error))
    if isinstance(error, Forbidden):
        return Refused(403, "forbidden", str(error))
    if isinstance(error, InvalidFilters):
        return Refused(400, "invalid_parameters", "Some parameters are invalid.", error.problems)
    if isinstance(error, PredictionForgotten):
        return Refused(
            410, "forgotten", "This prediction is forgotten: its inputs, its output and its outcome are erased."
        )
    if isinstance(error, RateExceeded | TooOften):
        return refuse_excess(error)
    if isinstance(error, UnsupportedContent):
        return Refused(415, "unsupported_media_type", str(error))
    if isinstance(error, ContentTooLarge):
        return Refused(413, "too_large", f"A request may have at most {error.most_bytes:,} bytes.")
    if isinstance(error, UnreadableContent):
        return Refused(400, "malformed", str(error))
    if isinstance(error, RepeatedKey):
        problem = f"The key {quote(str(error))} is in one object of the body more than once: send it once."
        return Refused(400, "repeated_key", problem)
    if isinstance(error, UnreadablePostError):
        return Refused(400, "malformed", f"The body cannot be read: {error}.")
    if isinstance(error, Resolver404):
        return Refused(404, "not_found", NO_ADDRESS)
    if isinstance(error, ModelNotFound):
        message = str(error)
        return Refused(404, "model_not_found", f"{message[0].upper()}{message[1:]}.")
    if isinstance(error, ModelRetired):
        return Refused(410, "model_retired", f"The model {error}: it makes no new predictions.")
    if isinstance(error, KeyReused):
        problem = "This Idempotency-Key was sent with another body within a day: send another key, or the same body."
        return Refused(409, "idempotency_key_reused", problem)
    if isinstance(error, NoAnswer):
        return Refused(422, "no_answer", str(error))
    outage = find_outage(error)
    if outage is not None:
        return Refused(503, outage.code, outage.message)
    logger.exception("%s could not be answered", path)
    return Refused(500, "fault", "The error is on our side, and it was logged; nothing was stored.")


def refuse_excess(error: RateExceeded | TooOften) -> Refused:
    """The answer to a client that sends too much: when it may go on, or, where it never may, how much it may send."""
    if not error.seconds:
        return Refused(413, "too_many_rows", f"The request has {error}: send fewer rows at once.")
    problem = f"You send {error}" if isinstance(error, RateExceeded) else "Too many requests of this kind"
    headers = {"Retry-After": str(error.seconds)}
    return Refused(429, "too_many_requests", f"{problem}: wait {error.seconds} s.", headers=headers)
