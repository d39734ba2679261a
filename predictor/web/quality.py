"""How good a version is, in one plain sentence."""

from predictor.formats import Quantity, format_share
from predictor.languages import gettext as _
from predictor.models import Version

# Of an error that is typical: more would look as if it were exact.
ERROR_DIGITS = 3


def describe_quality(version: Version) -> str:
    """How far off it typically is, or how often it is right, compared with its baseline; empty where it is unknown."""
    target, measured = version.target, version.parsed_metrics
    metric = "mae" if target.task == "regression" else "accuracy"
    score, baseline = measured.scores.get(metric), measured.baseline.get(metric)
    if score is None or baseline is None:
        return ""
    if target.task == "regression":
        written = Quantity(unit=target.shown_unit, digits=ERROR_DIGITS)
        own, always_same = (str(written.write(abs(target.to_shown(each)))) for each in (score, baseline))
        sentence = _("Typically off by {own}; always guessing the average is off by {always_same}.")
        return sentence.format(own=own, always_same=always_same)
    own, always_same = (format_share(each, decimals=0) for each in (score, baseline))
    sentence = _("Right in {own} of cases; always guessing the most frequent class is right in {always_same}.")
    return sentence.format(own=own, always_same=always_same)
