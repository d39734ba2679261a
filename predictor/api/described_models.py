"""What each live model takes and answers, as the OpenAPI document describes it: an address and schemas of its own.

Generators of clients make a typed function of each, where one address for all models would take any inputs.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from predictor.api.bodies import MOST_ROWS
from predictor.api.trying import MOST_ROWS as MOST_TRIALS
from predictor.models import Version
from predictor.models.reference import MOST_CHARACTERS
from predictor.record.profile import Distribution
from predictor.schema.example import choose_example
from predictor.schema.json_schema import describe_inputs, describe_output
from predictor.schema.values import write_value

EXAMPLE_ID = UUID("0199b1a0-0000-7000-8000-000000000001")
STRING = {"type": "string"}
NUMBER = {"type": "integer", "minimum": 1}
REFERENCE = {
    "type": "string",
    "minLength": 1,
    "maxLength": MOST_CHARACTERS,
    "description": "Your own id of a case at a time. The same with the same inputs answers the same prediction again.",
    "examples": ["customer-42/2026-03"],
}


def refer(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def describe_schemas(version: Version) -> dict[str, Any]:
    """The schemas of a model's inputs, requests and predictions. A slug has no capital, so that no name is taken."""
    slug = version.model
    row, rows = refer(f"{slug}_inputs"), {"type": "array", "items": refer(f"{slug}_inputs"), "minItems": 1}
    trial = {"oneOf": [row, {**rows, "maxItems": MOST_TRIALS}]}
    references = {"type": "array", "items": {**REFERENCE, "type": ["string", "null"]}, "maxItems": MOST_ROWS}
    return {
        f"{slug}_inputs": {
            "description": f"The inputs of “{version.title}”.",
            **describe_inputs(version.parsed_schema),
        },
        f"{slug}_request": make_object({"inputs": row}, {"reference": REFERENCE}, is_closed=True),
        f"{slug}_batch": make_object(
            {"inputs": {**rows, "maxItems": MOST_ROWS}}, {"references": references}, is_closed=True
        ),
        f"{slug}_trial": make_object({"inputs": trial}, is_closed=True),
        f"{slug}_prediction": describe_prediction(version),
        f"{slug}_predictions": describe_answer(version),
    }


def describe_prediction(version: Version) -> dict[str, Any]:
    """One prediction; of a regression with the interval that contains 9 in 10 outcomes, else with probabilities."""
    target = version.target
    pair = {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    shares = {"type": ["object", "null"], "additionalProperties": {"type": "number"}}
    is_number = target.task == "regression"
    described: dict[str, Any] = {
        "id": {"type": "string", "format": "uuid", "description": "Its page is /predictions/<id>/."},
        "output": describe_output(target),
        "interval": pair if is_number else {"type": "null"},
        "probabilities": {"type": "null"} if is_number else shares,
        "warnings": {"type": "array", "items": STRING, "description": "Inputs unlike the training data."},
    }
    if target.has_words:
        described |= {"label": {"type": ["string", "null"]}, "text": STRING}
    # Only where it was made before, under the same reference, by another version.
    return make_object(described, {"version": NUMBER} | ({"unit": STRING} if target.has_words else {}))


def describe_answer(version: Version) -> dict[str, Any]:
    described: dict[str, Any] = {
        "model": STRING,
        "version": NUMBER,
        "predictions": {"type": "array", "items": refer(f"{version.model}_prediction")},
    }
    return make_object(described | ({"unit": STRING} if version.target.has_words else {}))


def make_object(
    properties: dict[str, Any], optional: dict[str, Any] | None = None, *, is_closed: bool = False
) -> dict[str, Any]:
    """An object with all of these properties, perhaps with the optional ones and, where it is closed, no other."""
    described = {"type": "object", "properties": properties | (optional or {}), "required": list(properties)}
    return described | ({"additionalProperties": False} if is_closed else {})


def make_request_example(version: Version) -> dict[str, Any]:
    return {"inputs": choose_example(version.parsed_schema)}


def make_answer_example(version: Version) -> dict[str, Any]:
    """What an answer looks like; its output is the most frequent one of the training data."""
    target, distribution = version.target, version.parsed_profile.target
    named: dict[str, Any] = {"model": version.model, "version": version.number}
    example: dict[str, Any] = {"id": str(EXAMPLE_ID), "output": 0.0, "interval": None, "probabilities": None}
    if target.task == "regression":
        output = example["output"] = _find_middle(distribution) if distribution else 0.0
        ends = version.parsed_interval and version.parsed_interval.place_around(output, *target.limits)
        example["interval"] = list(ends) if ends else None
    else:
        counts = distribution.counts if distribution else (1,) * len(target.classes)
        shares = (round(count / sum(counts), 4) for count in counts)
        example["output"] = target.classes[counts.index(max(counts))]
        example["probabilities"] = dict(zip(map(write_value, target.classes), shares, strict=True))
    example["warnings"] = []
    if target.has_words:
        named["unit"] = target.unit
        example |= {"label": target.find_label(example["output"]), "text": str(target.write(example["output"]))}
    return {**named, "predictions": [example]}


def list_known(versions: Sequence[Version]) -> dict[str, Any]:
    """Examples of properties that several structs have, by name: those of the first model."""
    known: dict[str, Any] = {"reference": "customer-42/2026-03", "source": "api", "recorded_by": "ada", "next": None}
    known |= {"previous": None, "retired_at": None, "looked_back_to": None, "not_kept": [], "is_forgotten": False}
    if not versions:
        return known
    version = versions[0]
    [prediction] = make_answer_example(version)["predictions"]
    text = str(version.target.write(prediction["output"]))
    words = {"text": text, "unit": version.target.unit, "title": version.title, "description": version.description}
    names = {
        "model": version.model,
        "task": version.target.task,
        "version": version.number,
        "inputs": choose_example(version.parsed_schema),
    }
    output = {key: each for key, each in describe_output(version.target).items() if key in ("title", "type")}
    return known | prediction | words | names | {"schema": {"inputs": {"type": "object"}, "output": output}}


def _find_middle(distribution: Distribution) -> float:
    """The middle of the bin with the most rows."""
    fullest = distribution.counts.index(max(distribution.counts))
    low, high = distribution.edges[fullest : fullest + 2]
    return (low + high) / 2
