"""The cells of the admin's lists: moments, folded details, and how an answer compares with its outcome."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from predictor.formats import MISSING, Quantity
from predictor.models import Prediction
from predictor.moments import write_moment


def show_moment(moment: datetime) -> SafeString:
    """A moment to the second, with its zone, which is UTC everywhere."""
    return format_html(
        '<time datetime="{}">{}</time>', moment.isoformat(), f"{write_moment(moment, 'second', short=True)} UTC"
    )


def fold(summary: str, lines: Sequence[str]) -> SafeString | str:
    """Lines that open by a click on their summary; a dash for none."""
    if not lines:
        return MISSING
    listed = format_html_join("", "<div>{}</div>", ((line,) for line in lines))
    return format_html('<details class="folded"><summary>{}</summary>{}</details>', summary, listed)


def judge_outcome(prediction: Prediction, value: Any) -> str:
    """How an answer compares with what happened: right or wrong, or how far off, and inside or outside the interval."""
    target = prediction.version.target
    if target.task != "regression":
        return gettext("right") if value == prediction.output else gettext("wrong")
    size = abs(float(value) - float(prediction.output))
    quantity = Quantity(unit=target.shown_unit, decimals=prediction.decimals)
    sentence = gettext("off by {size}")
    if prediction.interval:
        low, high = prediction.interval
        is_inside = low <= float(value) <= high
        sentence = gettext("inside, off by {size}") if is_inside else gettext("outside, off by {size}")
    return sentence.format(size=quantity.write(abs(target.to_shown(size))))
