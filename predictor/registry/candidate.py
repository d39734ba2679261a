"""A trained or imported model before it has a version number, and the decision about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from predictor.record.decision import Decision
from predictor.record.drawing import Drawing
from predictor.record.interval import MeasuredInterval
from predictor.record.layout import Layout
from predictor.record.measurement import Measurement
from predictor.record.profile import Profile
from predictor.record.report import Report
from predictor.record.source import Source
from predictor.record.split import Split
from predictor.registry.packing import Package
from predictor.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A trained model without a version number yet. The packages contain the bytes that will be signed.

    Only one that will be registered has a report, drawings and, where it could be compiled, a compiled model.
    """

    model: str
    title: str
    description: str
    # By the code of a language: the title, the description, and the form's titles of groups and examples.
    translations: dict[str, dict[str, Any]]
    # Who may see the model, as the recipe has it: public, login, or None.
    access: str | None
    estimator: str
    schema: Schema
    libraries: dict[str, str]
    code: str | None
    metrics: Measurement
    profile: Profile
    layout: Layout
    split: Split
    data: Source
    interval: MeasuredInterval | None
    package: Package
    # What the version keeps of its training data, by name (predictor.models.kept).
    kept: Mapping[str, bytes] = field(default_factory=dict)
    report: Report | None = None
    compiled: Package | None = None
    drawings: tuple[Drawing, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What was decided about a candidate, against which live version (None where there was none).

    No candidate of a model that `is_retired` is promoted.
    """

    promoted: bool
    reason: str
    champion_id: int | None
    decision: Decision
    is_retired: bool = False
