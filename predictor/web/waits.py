"""When a visitor who sends too much may go on."""

import math

from predictor.access.shares import RateExceeded
from predictor.languages import gettext as _


def describe_wait(seconds: int) -> str:
    """When what was done too often is allowed again."""
    if seconds < 100:
        return _("Wait {seconds} s and try again.").format(seconds=seconds)
    return _("Wait {minutes} minutes and try again.").format(minutes=math.ceil(seconds / 60))


def describe_excess(error: RateExceeded) -> str:
    """Why a form gets no answer at the moment."""
    problem = _("Too many predictions come from your network address.")
    return f"{problem} {describe_wait(error.seconds)}"
