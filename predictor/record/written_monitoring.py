"""Writes what `manage.py monitor` found for people."""

from datetime import UTC, datetime

import msgspec

from predictor.formats import format_number
from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.metrics.names import name_metric
from predictor.moments import write_moment
from predictor.record.drift import Drift
from predictor.record.monitoring import Monitoring
from predictor.record.quality import Score
from predictor.record.written_drift import list_shifts, write_drift
from predictor.record.written_estimate import write_estimate
from predictor.record.written_quality import WrittenTable, list_notes, list_tables, write_judged, write_score
from predictor.schema.schema import Schema
from predictor.schema.target import Target

# From so many days on.
OLD_DAYS = 2
STATES = {"well": _("well"), "alarm": _("alarm"), "cannot say": _("cannot say")}


class WrittenMonitoring(msgspec.Struct, frozen=True, kw_only=True):
    """A state with its reasons: the first of `sentences` is the most important."""

    state: str
    # When it was computed, in UTC, and how long ago where that is more than a day.
    computed: str
    sentences: list[str]
    notes: list[str]
    tables: list[WrittenTable]


def name_state(state: str) -> str:
    """A state in the current language."""
    return gettext(STATES[state])


def write_monitoring(found: Monitoring, schema: Schema, computed_at: datetime, now: datetime) -> WrittenMonitoring:
    """Write what was found for a version with this schema."""
    quality = found.quality
    judged = [write_judged(quality.judged, found.version, schema.target)] if quality else []
    estimated = [write_estimate(found.estimate, found.version, schema.target)] if found.estimate else []
    drifted = write_drift(found.drift, schema) if found.drift else []
    shifts = [list_shifts(found.drift, schema)] if isinstance(found.drift, Drift) else []
    is_estimated = "quality" not in found.decided_by and "estimate" in found.decided_by
    return WrittenMonitoring(
        state=name_state(found.state),
        computed=write_age(computed_at, now),
        sentences=[*estimated, *judged, *drifted] if is_estimated else [*judged, *estimated, *drifted],
        notes=[*(list_notes(quality, found.predictions) if quality else []), *_note_share(found)],
        tables=[*(list_tables(quality, schema) if quality else []), *shifts],
    )


def _note_share(found: Monitoring) -> list[str]:
    """That not all predictions were read, where it is so."""
    if found.read >= found.predictions:
        return []
    sentence = gettext("For estimate and drift, {read} of {predictions} predictions were drawn at random.")
    return [sentence.format(read=format_number(found.read), predictions=format_number(found.predictions))]


def write_brief(found: Monitoring, target: Target) -> str:
    """What was observed or estimated, next to what was promised; or why there is nothing."""
    judged, estimate = found.quality and found.quality.judged, found.estimate
    if judged and judged.observed:
        metric, observed, promised = judged.metric, judged.observed, judged.promised
        sentence = gettext("{metric} {observed}, promised {promised}.")
    elif estimate and estimate.metric and estimate.value is not None and estimate.promised is not None:
        metric, observed, promised = estimate.metric, Score(value=estimate.value), Score(value=estimate.promised)
        sentence = gettext("{metric} {observed} (estimated), promised {promised}.")
    else:
        return write_judged(judged, found.version, target) if judged else ""
    return sentence.format(
        metric=name_metric(metric),
        observed=write_score(metric, observed, target, with_interval=False),
        promised=write_score(metric, promised, target, with_interval=False),
    )


def write_age(computed_at: datetime, now: datetime) -> str:
    """When something was computed: an old result is said to be old."""
    moment, days = write_moment(computed_at.astimezone(UTC)), (now - computed_at).days
    if days < OLD_DAYS:
        return gettext("Computed on {moment} UTC.").format(moment=moment)
    return gettext("Computed {days} days ago, on {moment} UTC: this may have changed since.").format(
        days=format_number(days), moment=moment
    )
