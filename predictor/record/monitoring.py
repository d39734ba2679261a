"""How a model does now, as `manage.py monitor` stores it: observed quality, estimated quality, and drift."""

from collections.abc import Mapping
from typing import Any

import msgspec

from predictor.record.drift import Drift, DriftUnknown
from predictor.record.estimate import Estimate
from predictor.record.quality import Quality, State


class Monitoring(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of `monitor` found for the live version of a model, from the predictions of one window."""

    # The number of the live version.
    version: int
    # The window's ends, as ISO 8601 has them in UTC.
    since: str
    until: str
    # How many predictions the window contains, and how many of them were read.
    predictions: int
    read: int
    state: State = "cannot say"
    # By which of both the state was decided: "quality", "estimate".
    decided_by: tuple[str, ...] = ()
    # By outcomes.
    quality: Quality | None = None
    # Estimated from the predictions alone.
    estimate: Estimate | None = None
    # How inputs and outputs differ from the training data.
    drift: Drift | DriftUnknown | None = None


def read_monitoring(stored: Mapping[str, Any]) -> Monitoring:
    """Read what was stored; with defaults for what an earlier build did not store."""
    return msgspec.convert(stored, Monitoring)
