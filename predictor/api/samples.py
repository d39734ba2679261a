"""An example of what a JSON Schema describes, for bodies and parameters that have none of their own."""

from collections.abc import Mapping
from typing import Any

from predictor.api.described_models import EXAMPLE_ID

FORMATS = {"uuid": str(EXAMPLE_ID), "date-time": "2026-03-01T12:30:00Z", "date": "2026-03-01"}
PREFIX = "#/components/schemas/"


def make_sample(schema: Mapping[str, Any], schemas: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    """An example of a schema, which may refer to these components; of objects, what is required or has an example.

    A required property that is `known` by its name has that value.
    """
    if "$ref" in schema:
        return make_sample(schemas[schema["$ref"].removeprefix(PREFIX)], schemas, known)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if schema.get("default") is not None:
        return schema["default"]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return make_sample(schema[key][0], schemas, known)
    return _make_by_type(schema, schemas, known)


def _make_by_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            required = schema.get("required", ())
            return {
                name: known[name] if name in known else make_sample(each, schemas, known)
                for name, each in schema.get("properties", {}).items()
                if name in required or "examples" in each
            }
        case "array":
            items = schema.get("items")
            is_pair = schema.get("minItems") == 2
            return [make_sample(items, schemas, known)] * (1 + is_pair) if isinstance(items, dict) else []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "string":
            return FORMATS.get(schema.get("format", ""), "…")
        case _:
            return None
