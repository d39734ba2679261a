"""A trained or imported model before it has a version number, and the decision about it."""

from dataclasses import dataclass
from typing import Any

from predictor.record.drawing import Drawing
from predictor.registry.packing import Package
from predictor.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A trained model without a version number yet. The packages contain the bytes that will be signed."""

    model: str
    title: str
    description: str
    estimator: str
    schema: Schema
    libraries: dict[str, str]
    code: str | None
    metrics: dict[str, Any]
    profile: dict[str, Any]
    split: dict[str, Any]
    data: dict[str, Any]
    report: dict[str, Any]
    interval: dict[str, Any] | None
    package: Package
    compiled: Package | None = None
    drawings: tuple[Drawing, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What was decided about a candidate, against which live version (None where there was none), in JSON."""

    promoted: bool
    reason: str
    champion_id: int | None
    decision: dict[str, Any]
