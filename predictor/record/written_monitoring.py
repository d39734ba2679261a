"""Writes what `manage.py monitor` found for people."""

import msgspec

from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.record.drift import Drift
from predictor.record.monitoring import Monitoring
from predictor.record.quality import State
from predictor.record.written_drift import list_shifts, write_drift
from predictor.record.written_estimate import write_estimate
from predictor.record.written_quality import WrittenTable, list_notes, list_tables, write_judged
from predictor.schema.schema import Schema

STATES: dict[State, str] = {"well": _("well"), "alarm": _("alarm"), "cannot say": _("cannot say")}


class WrittenMonitoring(msgspec.Struct, frozen=True, kw_only=True):
    """A state with its reasons: the first of `sentences` is the most important."""

    state: str
    sentences: list[str]
    notes: list[str]
    tables: list[WrittenTable]


def name_state(state: State) -> str:
    """A state in the current language."""
    return gettext(STATES[state])


def write_monitoring(found: Monitoring, schema: Schema) -> WrittenMonitoring:
    """Write what was found for a version with this schema."""
    quality = found.quality
    if quality is None:
        return WrittenMonitoring(state=name_state(found.state), sentences=[], notes=[], tables=[])
    judged = write_judged(quality.judged, found.version, schema.target)
    estimated = [write_estimate(found.estimate, found.version, schema.target)] if found.estimate else []
    drifted = write_drift(found.drift, schema) if found.drift else []
    shifts = [list_shifts(found.drift, schema)] if isinstance(found.drift, Drift) else []
    is_estimated = "quality" not in found.decided_by and "estimate" in found.decided_by
    return WrittenMonitoring(
        state=name_state(found.state),
        sentences=[*estimated, judged, *drifted] if is_estimated else [judged, *estimated, *drifted],
        notes=list_notes(quality, found.predictions),
        tables=[*list_tables(quality, schema), *shifts],
    )
