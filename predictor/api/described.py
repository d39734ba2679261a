"""What the API says of models and versions: structs, from which their JSON Schema is written, too."""

from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from predictor.api.stored import Moment
from predictor.metrics.names import LABELS, name_metric
from predictor.models import Monitoring, Promotion, Version
from predictor.record.monitoring import Monitoring as Result
from predictor.schema.json_schema import describe_inputs, describe_output
from predictor.schema.kinds import Task

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class MetricScore(msgspec.Struct, frozen=True, kw_only=True):
    """A score, in the target's own unit where it has one, with the ends of its 95 % interval.

    `baseline` is the score of always predicting the mean, or the most frequent class.
    """

    name: str
    label: str
    value: float
    low: float | None
    high: float | None
    baseline: float | None


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """How good a version was, on how many rows, and what these were: empty where nothing was measured."""

    method: str
    rows: int
    scores: list[MetricScore]


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model with its live version; `retired_at` is null where it makes predictions."""

    model: str
    title: str
    description: str
    task: Task
    version: int
    retired_at: Moment | None


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """The models of a site, by their names."""

    models: list[ListedModel]


class Schemas(msgspec.Struct, frozen=True, kw_only=True):
    """What a version takes and predicts, as JSON Schema 2020-12; keys that begin with `x-` are units and words."""

    inputs: dict[str, Any]
    output: dict[str, Any]


class Model(ListedModel, frozen=True, kw_only=True):
    """A model, and its live version since `live_since`."""

    live_since: Moment | None
    schema: Schemas
    metrics: Metrics


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about a version when it was a challenger, and why."""

    promoted: bool
    verdict: str
    reason: str
    champion: int | None


class ListedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a model; `live_since` is null where it is not the live one."""

    model: str
    version: int
    created_at: Moment
    live_since: Moment | None
    estimator: str
    metrics: Metrics
    decision: Decision


class VersionList(msgspec.Struct, frozen=True, kw_only=True):
    """Versions, the newest first; `next` is the cursor of the page of older ones, null on the last."""

    model: str
    versions: list[ListedVersion]
    next: str | None


class Importance(msgspec.Struct, frozen=True, kw_only=True):
    """How much worse the score gets where a feature's values are shuffled: mean and standard deviation."""

    feature: str
    mean: float
    sd: float


class ModelVersion(ListedVersion, frozen=True, kw_only=True):
    """A version with all that describes it; counts of rows are null where they are unknown."""

    title: str
    description: str
    task: Task
    training_rows: int | None
    held_out_rows: int | None
    schema: Schemas
    importances: list[Importance]


class ModelQuality(msgspec.Struct, frozen=True, kw_only=True):
    """What `manage.py monitor` found last, at `computed_at`, of the version that was live then."""

    model: str
    computed_at: Moment
    result: Result


def list_model(version: Any) -> dict[str, Any]:
    """A live version with its `retired_at`."""
    return {
        "model": version.model,
        "title": version.title,
        "description": version.description,
        "task": version.target.task,
        "version": version.number,
        "retired_at": version.retired_at,
    }


def describe_model(version: Any) -> Model:
    """The model of a live version with its `retired_at`."""
    return Model(
        **list_model(version),
        live_since=find_live_since(version.model)[1],
        schema=describe_schemas(version),
        metrics=describe_metrics(version),
    )


def list_version(version: Version, live: tuple[int | None, datetime | None]) -> dict[str, Any]:
    """`live` is what `find_live_since` gives."""
    decision = version.parsed_decision
    return {
        "model": version.model,
        "version": version.number,
        "created_at": version.created_at,
        "live_since": live[1] if live[0] == version.id else None,
        "estimator": version.estimator,
        "metrics": describe_metrics(version),
        "decision": Decision(
            promoted=decision.promoted,
            verdict=decision.verdict,
            reason=decision.reason,
            champion=decision.champion,
        ),
    }


def describe_version(version: Version) -> ModelVersion:
    measured, source = version.measured_importances, version.parsed_data
    return ModelVersion(
        **list_version(version, find_live_since(version.model)),
        title=version.title,
        description=version.description,
        task=version.target.task,
        training_rows=source.training_rows,
        held_out_rows=None if source.origin == "imported" else source.held_out_rows,
        schema=describe_schemas(version),
        importances=[
            Importance(feature=each.name, mean=each.mean, sd=each.sd)
            for each in (measured.features if measured else ())
        ],
    )


def describe_schemas(version: Version) -> Schemas:
    return _describe_schemas(version.id, version.created_at)


@lru_cache(maxsize=16)
def _describe_schemas(version_id: int, created_at: datetime) -> Schemas:
    """Kept, since a model may have thousands of inputs. In a new database, another version may have the same id."""
    version = Version.objects.only("schema").get(id=version_id, created_at=created_at)
    return Schemas(
        inputs={"$schema": DIALECT, **describe_inputs(version.parsed_schema)},
        output={"$schema": DIALECT, **describe_output(version.target)},
    )


def describe_metrics(version: Version) -> Metrics:
    measured = version.parsed_metrics
    scores = []
    for name in LABELS:
        if name in measured.scores:
            low, high = measured.intervals.get(name, (None, None))
            scores.append(
                MetricScore(
                    name=name,
                    label=name_metric(name),
                    value=measured.scores[name],
                    low=low,
                    high=high,
                    baseline=measured.baseline.get(name),
                )
            )
    return Metrics(method=measured.method, rows=measured.rows, scores=scores)


def describe_quality(stored: Monitoring, result: Result) -> ModelQuality:
    return ModelQuality(model=stored.model, computed_at=stored.computed_at, result=result)


def find_live_since(model: str) -> tuple[int | None, datetime | None]:
    """The id of a model's live version, and when it went live."""
    newest = Promotion.objects.filter(version__model=model).order_by("-id").values_list("version_id", "promoted_at")
    return newest.first() or (None, None)
