"""The cells of the admin's lists: moments, folded details, and how an answer compares with its outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """How an answer compares with what happened: of a class, whether it `is_right`; of a number, how far `off` it is.

    `is_inside` its interval is None where it has none.
    """

    is_right: bool | None = None
    off: str = ""
    is_inside: bool | None = None

    @property
    def is_good(self) -> bool | None:
        return self.is_inside if self.is_right is None else self.is_right

    @property
    def short(self) -> str:
        if self.is_right is not None:
            return gettext("right") if self.is_right else gettext("wrong")
        sentence = gettext("off by {size}")
        if self.is_inside is not None:
            sentence = gettext("inside, off by {size}") if self.is_inside else gettext("outside, off by {size}")
        return sentence.format(size=self.off)

    @property
    def sentence(self) -> str:
        if self.is_right is not None:
            return gettext("The prediction was right.") if self.is_right else gettext("The prediction was wrong.")
        sentence = gettext("{size} off")
        if self.is_inside is not None:
            sentence = (
                gettext("{size} off, inside the interval")
                if self.is_inside
                else gettext("{size} off, outside the interval")
            )
        return sentence.format(size=self.off)


def judge_outcome(prediction: Prediction, value: Any) -> Judgement:
    target = prediction.version.target
    if target.task != "regression" or prediction.is_forgotten:
        return Judgement(is_right=value == prediction.output)
    size = abs(float(value) - float(prediction.output))
    quantity = Quantity(unit=target.shown_unit, decimals=prediction.decimals)
    off = str(quantity.write(abs(target.to_shown(size))))
    if not prediction.interval:
        return Judgement(off=off)
    low, high = prediction.interval
    return Judgement(off=off, is_inside=low <= float(value) <= high)
