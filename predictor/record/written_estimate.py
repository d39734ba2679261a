"""Writes what quality is estimated for people, in a sentence."""

from predictor.formats import format_number, format_share
from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.metrics.names import name_metric
from predictor.record.estimate import FEWEST_ROWS, Estimate, Reason
from predictor.record.quality import Score
from predictor.record.written_quality import write_score
from predictor.schema.target import Target

SENTENCES = {
    False: _(
        "Estimated, without outcomes: {metric} {estimated} on {rows} predictions of version {version}; {promised} was"
        " promised."
    ),
    True: _(
        "Estimated, without outcomes: worse than promised, {metric} {estimated} on {rows} predictions of version"
        " {version}; {promised} was promised."
    ),
}
REASONS: dict[Reason, str] = {
    "nothing kept": _(
        "Without outcomes, nothing can be estimated: version {version} was imported, trained by an earlier build, or"
        " measured on too few rows. Retrain it, on 500 rows or more."
    ),
    "few rows": _(
        "Without outcomes, nothing can be estimated yet: {needed} predictions of version {version} are needed (so far:"
        " {rows})."
    ),
    "unlike training": _(
        "Without outcomes, nothing can be estimated: {outside} of {rows} predictions have inputs that version {version}"
        " was not trained on."
    ),
    "imprecise": _(
        "Without outcomes, nothing can be estimated: too few of the rows that version {version} was measured on are"
        " like the {rows} predictions."
    ),
}


def write_estimate(estimate: Estimate, version: int, target: Target) -> str:
    """The quality to expect of a version's predictions, next to what the hold-out promised, or why it is unknown."""
    rows = format_number(estimate.rows)
    if estimate.value is None or estimate.metric is None or estimate.promised is None:
        return gettext(REASONS[estimate.reason or "imprecise"]).format(
            version=version,
            rows=rows,
            needed=format_number(FEWEST_ROWS),
            outside=format_share(estimate.outside),
        )
    found = Score(value=estimate.value, low=estimate.lower, high=estimate.upper)
    return gettext(SENTENCES[estimate.state == "alarm"]).format(
        metric=name_metric(estimate.metric),
        estimated=write_score(estimate.metric, found, target),
        rows=rows,
        version=version,
        promised=write_score(estimate.metric, Score(value=estimate.promised), target),
    )
