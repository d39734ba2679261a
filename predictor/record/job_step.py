"""What a job does now or has found, in the language of a page: their rows have it in English."""

import re
from collections.abc import Sequence
from functools import cache

from predictor.formats import format_number
from predictor.languages import ENGLISH, get_language, gettext
from predictor.languages import gettext_noop as _

NUMBER = re.compile(r"[0-9]{1,3}(,[0-9]{3})*|[0-9]+", re.ASCII)
# One with places for values comes after those that it would take, too.
STEPS = (
    _("reading predictions"),
    _("reading the file"),
    _("reading what was uploaded"),
    _("reading {table}"),
    _("looking into the table"),
    _("looking up the predictions"),
    _("loading version {number}"),
    _("answering predictions again"),
    _("answering rows"),
    _("writing predictions"),
    _("writing the result"),
    _("tuning"),
    _("tuning: 1 candidate on {folds} folds"),
    _("tuning: {candidates} candidates on {folds} folds"),
    _("chosen: {parameters}"),
    _("fitting on {rows} rows"),
    _("fitting the width of intervals"),
    _("fitting how large its losses are"),
    _("measuring"),
    _("drawing its report"),
)


# Why a retrain made no version.
SAME = (
    _("predicts as version {number}, which is live: nothing to register"),
    _("predicts as version {number}, the live one of the retired model: nothing to register"),
)


def translate_line(line: str, templates: Sequence[str] = STEPS) -> str | None:
    """A line in the current language; None for one that is English alone, such as a remark about the table."""
    if not line or get_language().tag == ENGLISH.tag:
        return line
    for template in templates:
        found = _compile(template).fullmatch(line)
        if found:
            values = {name: _rewrite(value) for name, value in found.groupdict().items()}
            return gettext(template).format(**values)
    return None


def _rewrite(value: str) -> str:
    """A whole number as the current language writes it, and any other value as it is."""
    return format_number(int(value.replace(",", ""))) if NUMBER.fullmatch(value) else value


@cache
def _compile(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    named = (f"(?P<{part}>.+)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile("".join(named), re.DOTALL)
