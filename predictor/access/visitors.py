"""Limits what visitors may do too often, each by its own count of their address."""

import logging
import math
import time

from predictor.access import limits
from predictor.access.limits import Rate
from predictor.exceptions import MlsiteError

logger = logging.getLogger(__name__)

# Whoever moves a slider tries a few times a second.
TRIALS = Rate(most=300, seconds=60)
# Each may take a second of a core.
REASONS = Rate(most=30, seconds=60)
# Each takes seconds of a core and, for some days, space.
UPLOADS = Rate(most=20, seconds=60 * 60)
REPORTS = Rate(most=20, seconds=60 * 60)
REPORTS_OF_ONE = Rate(most=5, seconds=24 * 60 * 60)

# What this process has refused, until when (monotonic): further attempts need no query.
_refused: dict[tuple[str, str], float] = {}
MOST_REMEMBERED = 10_000


class TooOften(MlsiteError):
    """A visitor does something too often; it is allowed again in `seconds`."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"too often; allowed again in {seconds} s")


def count_trial(address: str) -> None:
    """Count a trial, before it is made; raises TooOften."""
    _count("trials", address, TRIALS)


def count_explanation(address: str) -> None:
    """Count an explanation of an answer, before it is computed; raises TooOften."""
    _count("reasons", address, REASONS)


def count_upload(address: str) -> None:
    """Count a file that was uploaded, before it is read; raises TooOften."""
    _count("uploads", address, UPLOADS)


def count_report(address: str, prediction_id: object) -> None:
    """Count a report of what happened, by its address and by its prediction; raises TooOften."""
    _count("reports", address, REPORTS)
    _count("reports of one prediction", str(prediction_id), REPORTS_OF_ONE)


def _count(name: str, key: str, rate: Rate) -> None:
    seconds = math.ceil(_refused.get((name, key), 0) - time.monotonic())
    if seconds > 0:
        raise TooOften(seconds)
    hit = limits.hit(name, key, rate)
    if hit.is_allowed:
        return
    if hit.is_first_refused:
        logger.warning("%s are refused for %d s after %d: %s", name, hit.retry_after, hit.most, key)
    if len(_refused) >= MOST_REMEMBERED:
        _refused.clear()
    _refused[name, key] = time.monotonic() + hit.seconds_left
    raise TooOften(hit.retry_after)
