"""Writes the decision about a challenger in the language of a page."""

from predictor.formats import format_number
from predictor.languages import ENGLISH, get_language, gettext_noop, use_language
from predictor.languages import gettext as _
from predictor.metrics.names import describe_scale, name_metric
from predictor.record.decision import Decision

UNOPPOSED = (gettext_noop("the first version"), gettext_noop("no version was live"))
# By verdict: those about which the stored figures say all.
SENTENCES = {
    "no better than the baseline": gettext_noop("not surely better than the baseline on {rows} rows"),
    "better": gettext_noop("better than version {champion}: {metric} gains on {rows} rows, 95 % interval {gain}"),
    "worse": gettext_noop("worse than version {champion}: {metric} gain on {rows} rows, 95 % interval {gain}"),
    "too little": gettext_noop(
        "gains less over version {champion} than the recipe's minimum: {metric}, 95 % interval {gain}"
    ),
    "cannot tell": gettext_noop(
        "cannot tell with {rows} rows whether it beats version {champion}: {metric} gain, 95 % interval {gain}"
    ),
}
# What a command may have decided instead.
OVERRULED = (
    gettext_noop("as requested: always; otherwise {reason}"),
    gettext_noop("as requested: never; otherwise {reason}"),
)


def show_reason(decision: Decision) -> str:
    """The reason for a decision in the page's language; as it was stored, where its figures do not say all of it."""
    stored = decision.reason
    if get_language().tag == ENGLISH.tag:
        return stored
    with use_language(ENGLISH):
        english = write_reason(decision)
    for frame in ("{reason}", *OVERRULED):
        if stored == frame.format(reason=english):
            return (_(frame) if frame in OVERRULED else frame).format(reason=write_reason(decision))
    return stored


def write_reason(decision: Decision) -> str:
    """The reason from its figures, in the current language; the stored one for other verdicts."""
    unopposed = next((each for each in UNOPPOSED if decision.reason.endswith(each)), None)
    if unopposed is not None:
        return _(unopposed)
    if decision.verdict not in SENTENCES or decision.gain is None:
        return decision.reason
    return _(SENTENCES[decision.verdict]).format(
        rows=format_number(decision.rows),
        champion=decision.champion,
        metric=name_metric(decision.metric),
        gain=describe_scale(decision.metric).write_range(decision.gain.low, decision.gain.high),
    )
