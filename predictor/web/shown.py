"""What pages show of a prediction: its output, interval, probabilities, inputs and outcomes, written for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from predictor.formats import Written, format_share
from predictor.models import Outcome, Prediction
from predictor.models.answered import Answered
from predictor.record.profile import Distribution
from predictor.schema.temporal import Temporal
from predictor.schema.text import Text
from predictor.schema.values import write_value

# More classes are folded away.
MOST_CLASSES = 10


class ShownValue(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table of inputs; a text in words of one's own gets the whole width.

    `exact` is a date or a time by ISO 8601; empty for what is neither.
    """

    label: str
    value: Written
    is_text: bool
    exact: str = ""


def list_inputs(prediction: Answered) -> list[ShownValue]:
    """A prediction's inputs, as the version that made it parsed them."""
    return [
        ShownValue(
            label=feature.label,
            value=feature.write(prediction.inputs.get(feature.name)),
            is_text=isinstance(feature, Text),
            exact=str(prediction.inputs.get(feature.name) or "") if isinstance(feature, Temporal) else "",
        )
        for feature in prediction.version.parsed_schema.features
    ]


@dataclass(frozen=True, kw_only=True)
class ShownProbability:
    """A class with its probability and, where the version has it, its share of the training rows; both in percent."""

    label: str
    written: str
    percent: float
    usual: float | None = None
    written_usual: str = ""


def list_probabilities(prediction: Answered) -> list[ShownProbability]:
    """The classes with their probabilities, the most probable first."""
    version, shares = prediction.version, prediction.probabilities
    if not shares:
        return []
    target = version.parsed_schema.target
    usual = find_shares(version.parsed_profile.target)
    named = [
        (shares[write_value(label)], target.name_class(label), usual[code] if code < len(usual) else None)
        for code, label in enumerate(target.classes)
    ]
    return [
        ShownProbability(
            label=label,
            written=format_share(share),
            percent=round(share * 100, 1),
            usual=None if common is None else round(common * 100, 1),
            written_usual="" if common is None else format_share(common),
        )
        for share, label, common in sorted(named, key=lambda each: -each[0])
    ]


def find_shares(distribution: Distribution | msgspec.UnsetType) -> Sequence[float]:
    """Each class's share of the training rows, by its code; none where the version stored none."""
    if not isinstance(distribution, Distribution) or not distribution.rows:
        return []
    return [count / distribution.rows for count in distribution.counts]


@dataclass(frozen=True, kw_only=True)
class ShownOutcome:
    """One row of a prediction's log of outcomes."""

    id: int
    value: Written
    recorded_at: datetime
    recorded_by: str


def list_outcomes(prediction: Prediction) -> list[ShownOutcome]:
    """The outcomes of a prediction, newest first: the first is the current one."""
    target = prediction.version.parsed_schema.target
    return [
        ShownOutcome(
            id=outcome.id,
            value=target.write(outcome.value),
            recorded_at=outcome.recorded_at,
            recorded_by=outcome.recorded_by,
        )
        for outcome in Outcome.objects.filter(prediction=prediction).order_by("-id")
    ]
