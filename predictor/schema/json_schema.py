"""A model's inputs and predictions as JSON Schema (2020-12), for programs that call it.

What it describes is taken; so is more, such as numbers as texts. Keys that begin with `x-` are our own: units, words,
and what was seen in training.
"""

from collections import Counter
from typing import Any

from predictor.numbers import LARGEST_INTEGER
from predictor.schema.kinds import Category, Feature, Integer, Number
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.schema.temporal import Temporal
from predictor.schema.text import Text
from predictor.schema.values import Value

# Longer lists of choices are described, and not written.
MOST_CHOICES = 1_000
# Texts of blanks alone are missing values.
NOT_BLANK = r"\S"


def describe_inputs(schema: Schema) -> dict[str, Any]:
    """An object with a property for each input, in the order of the form."""
    times = Counter(feature.label for feature in schema.features)
    properties = {feature.name: describe_feature(feature) for feature in schema.features}
    for feature in schema.features:
        if times[feature.label] > 1:  # Generators of code make names of titles.
            del properties[feature.name]["title"]
    return {
        "type": "object",
        "properties": properties,
        "required": [feature.name for feature in schema.features if feature.required],
        "additionalProperties": False,
    }


def describe_feature(feature: Feature) -> dict[str, Any]:
    """One input: type, limits and choices; label, unit and words; what was seen in training, and what is typical."""
    described = {"title": feature.label, "description": _write_description(feature), **_describe_kind(feature)}
    if feature.unit:
        described["x-unit"] = feature.unit
    if seen := _list_seen(feature):
        described["x-seen"] = seen
    if feature.typical is not None:
        described["examples"] = [feature.typical]
    if not feature.required:
        described["type"] = [described["type"], "null"]
        if "enum" in described:
            described["enum"] = [*described["enum"], None]
    return {key: value for key, value in described.items() if value != ""}


def describe_output(target: Target) -> dict[str, Any]:
    """A prediction or an outcome: a number in the target's own unit, or one of its classes."""
    described: dict[str, Any] = {"title": target.label}
    if target.task == "regression":
        low, high = target.output.minimum, target.output.maximum
        described |= {"type": "number", **_name_limits(low, high)}
        return described | ({"x-unit": target.unit} if target.unit else {})
    kind = type(target.classes[0])
    described["type"] = {str: "string", int: "integer", bool: "boolean"}[kind]
    # Generators of code know no list of booleans.
    if kind is not bool and len(target.classes) <= MOST_CHOICES:
        described["enum"] = list(target.classes)
    return described | ({"x-labels": dict(target.labels)} if target.labels else {})


def _describe_kind(feature: Feature) -> dict[str, Any]:
    return {**feature.describe_json(), **_describe_limits(feature)}


def _describe_limits(feature: Feature) -> dict[str, Any]:
    match feature:
        case Number():
            return _name_limits(feature.minimum, feature.maximum)
        case Integer():
            low = -LARGEST_INTEGER if feature.minimum is None else feature.minimum
            high = LARGEST_INTEGER if feature.maximum is None else feature.maximum
            return _name_limits(low, high)
        case Category():
            return _describe_choices(feature)
        case Temporal():
            return _name_ends(feature)
        case Text():
            return {"maxLength": feature.maximum_length, **({"pattern": NOT_BLANK} if feature.required else {})}
        case _:
            return {}


def _describe_choices(feature: Category) -> dict[str, Any]:
    described: dict[str, Any] = {}
    if not feature.unseen and len(feature.choices) <= MOST_CHOICES:
        described["enum"] = list(feature.choices)
    elif feature.required:
        described["pattern"] = NOT_BLANK
    return described | ({"x-labels": dict(feature.labels)} if feature.labels else {})


def _name_limits(low: float | None, high: float | None) -> dict[str, float]:
    limits = {"minimum": low, "maximum": high}
    return {name: _shorten(limit) for name, limit in limits.items() if limit is not None}


def _shorten(limit: float) -> float:
    """A whole number without “.0”, which JSON Schema's integers are written without."""
    return int(limit) if float(limit).is_integer() and abs(limit) <= LARGEST_INTEGER else limit


def _name_ends(feature: Temporal) -> dict[str, str]:
    limits = {"x-minimum": feature.minimum, "x-maximum": feature.maximum}
    return {name: feature.decode(limit) for name, limit in limits.items() if limit is not None}


def _list_seen(feature: Feature) -> list[Value]:
    """The ends of the range seen in training; the categories seen there, unless these are all choices."""
    match feature:
        case Temporal():
            return [feature.decode(end) for end in feature.seen]
        case Category():
            return list(feature.seen[:MOST_CHOICES]) if {*feature.seen} < {*feature.choices} else []
        case Number() | Integer():
            return [_shorten(end) for end in feature.seen]
        case _:
            return []


def _write_description(feature: Feature) -> str:
    """Its help text, what it was in training, and the words for its choices, in sentences."""
    sentences = [feature.help.strip()]
    if feature.seen_range:
        sentences.append(f"In training: {feature.seen_range}.")
    elif feature.unit:
        sentences.append(f"In {feature.unit}.")
    if isinstance(feature, Category) and feature.labels:
        named = list(feature.labels.items())[:MOST_CHOICES]
        sentences.append(f"{'; '.join(f'{code} is {words}' for code, words in named)}.")
    if isinstance(feature, Category) and feature.unseen:
        sentences.append("Other texts are taken too.")
    return " ".join(filter(None, sentences))
