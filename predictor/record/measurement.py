"""How good a version is: its scores as stored with it, and formatted for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from predictor.formats import MISSING
from predictor.metrics.names import LABELS, describe_scale, format_score, name_metric


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of a version and of the baseline, by metric, and what they were measured on."""

    # "hold-out", "5-fold out-of-fold", or a sample that it may have been trained on.
    method: str = ""
    # How many rows it was measured on.
    rows: int = 0
    scores: dict[str, float] = msgspec.field(default_factory=dict)
    # The baseline always predicts the mean, or the most frequent class.
    baseline: dict[str, float] = msgspec.field(default_factory=dict)
    # The ends of the 95 % interval of each score; without those that are not finite. Earlier builds measured none.
    intervals: dict[str, tuple[float, float]] = msgspec.field(default_factory=dict)


def read_measurement(stored: Mapping[str, Any]) -> Measurement:
    """Read a stored measurement; with defaults for what an earlier build did not store."""
    return msgspec.convert(stored, Measurement)


@dataclass(frozen=True, kw_only=True)
class WrittenScore:
    """A metric's label with its score, 95 % interval and the baseline's score, formatted for people; “–” for none."""

    label: str
    score: str
    interval: str
    baseline: str


def write_scores(measurement: Measurement, unit: str) -> list[WrittenScore]:
    """Format scores in a fixed order, which PostgreSQL's JSON does not keep."""
    scores, baseline, intervals = measurement.scores, measurement.baseline, measurement.intervals
    return [
        WrittenScore(
            label=name_metric(name),
            score=format_score(name, scores[name], unit),
            interval=str(describe_scale(name, unit).write_range(*intervals[name])) if name in intervals else MISSING,
            baseline=format_score(name, baseline.get(name), unit),
        )
        for name in LABELS
        if name in scores
    ]
