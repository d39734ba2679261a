"""What the API says of stored predictions: structs, from which their JSON Schema is written, too."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from predictor.models import Outcome, Prediction
from predictor.schema.values import Label, write_value

Output = float | Label
# All moments have their zone, which is UTC.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class StoredOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What really happened, as recorded last."""

    value: Output
    recorded_at: Moment
    recorded_by: str


class StoredPrediction(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction with its inputs, without those in `not_kept`, which are sensitive.

    Numbers are in the target's own unit; `label` and `text` are what pages show. Of one that was forgotten only its
    identity is left: its output is null.
    """

    id: UUID
    model: str
    version: int
    created_at: Moment
    source: str
    reference: str | None
    inputs: dict[str, Any]
    not_kept: list[str]
    output: Output | None
    interval: tuple[float, float] | None
    probabilities: dict[str, float] | None
    unit: str
    label: str | None
    text: str | None
    warnings: list[str]
    outcome: StoredOutcome | None
    is_forgotten: bool


class PredictionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Predictions, the newest first. `next` and `previous` are the cursors of the pages next to it, null without one.

    Where the search took too long, a page has what was found until `looked_back_to`, and `next` goes on from there.
    """

    model: str
    predictions: list[StoredPrediction]
    next: str | None
    previous: str | None
    looked_back_to: Moment | None


def describe_prediction(prediction: Prediction, reference: str | None) -> StoredPrediction:
    """A prediction with its version and its `current_outcomes`."""
    version, is_forgotten = prediction.version, prediction.is_forgotten
    return StoredPrediction(
        id=prediction.id,
        model=version.model,
        version=version.number,
        created_at=prediction.created_at,
        source=prediction.source,
        reference=reference,
        inputs=order_inputs(prediction),
        not_kept=prediction.hidden_inputs,
        output=prediction.output,
        interval=prediction.interval,
        probabilities=order_shares(prediction),
        unit=version.target.unit,
        label=None if is_forgotten else version.target.find_label(prediction.output),
        text=None if is_forgotten else str(prediction.written_output),
        warnings=prediction.warnings,
        outcome=describe_outcome(prediction),
        is_forgotten=is_forgotten,
    )


def order_inputs(prediction: Prediction) -> dict[str, Any]:
    """Its inputs in the schema's order, which PostgreSQL's JSON does not keep."""
    inputs = prediction.inputs or {}
    names = [each["name"] for each in prediction.version.schema["features"]]
    return {name: inputs[name] for name in names if name in inputs}


def order_shares(prediction: Prediction) -> dict[str, float] | None:
    """Its probabilities in the order of the classes, as it was answered."""
    shares = prediction.probabilities
    if not shares:
        return None
    names = map(write_value, prediction.version.target.classes)
    return {name: shares[name] for name in names if name in shares}


def describe_outcome(prediction: Prediction) -> StoredOutcome | None:
    outcomes: list[Outcome] = prediction.current_outcomes  # type: ignore[attr-defined]  # Prefetched.
    if not outcomes:
        return None
    outcome = outcomes[0]
    return StoredOutcome(value=outcome.value, recorded_at=outcome.recorded_at, recorded_by=outcome.recorded_by)
