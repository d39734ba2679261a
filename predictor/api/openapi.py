"""The OpenAPI 3.1 document: written from the operations, and from the schemas of the models that are live."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from django.conf import settings

from predictor.api.described_errors import Error, describe_headers, describe_responses
from predictor.api.described_models import describe_schemas, list_known
from predictor.api.described_operations import TAGS, add_examples, describe_operation, describe_security
from predictor.api.operations import Operation
from predictor.models import Version

REF = "#/components/schemas/{name}"
DESCRIPTION = """\
Predictions by the models of this site, and what became of them. Every prediction is stored before it is answered.

All bodies are JSON in UTF-8. What is invalid is refused as a whole: nothing of it is stored. Whatever the status of an
error, its body has a code for programs and a sentence for people; where inputs are invalid, both by field."""
KEY = "A key that `manage.py createkey` or the admin made: `Authorization: Bearer mlsite_…`. It has scopes and models."


def make_document(
    operations: Iterable[tuple[str, Operation]], versions: Sequence[Version], free: Collection[str] | None
) -> dict[str, Any]:
    """The document of these operations, each with the pattern of its address, for the live versions of models.

    `free` are the models that everybody may ask, None where even descriptions need a key.
    """
    operations = list(operations)
    structs = [each for _, one in operations for each in (one.request, one.response) if each is not None]
    _, schemas = msgspec.json.schema_components([Error, *structs], ref_template=REF)
    schemas = simplify(schemas)
    for version in versions:
        schemas |= describe_schemas(version)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": settings.SITE_NAME, "version": "1", "description": DESCRIPTION},
        "tags": [{"name": name, "description": text} for name, text in TAGS.values()],
        "paths": {},
        "components": {
            "schemas": schemas,
            "responses": describe_responses(),
            "headers": describe_headers(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": KEY}},
        },
    }
    if settings.FORCE_SCRIPT_NAME:
        document["servers"] = [{"url": settings.FORCE_SCRIPT_NAME}]
    known = list_known(versions)
    for pattern, each in operations:
        for path, described in describe_operation(pattern, each, versions):
            described["security"] = describe_security(each, path, free)
            add_examples(described, schemas, known)
            document["paths"].setdefault(path, {})[each.method.lower()] = described
    return document


def simplify(schema: Any) -> Any:
    """Describe pairs as lists of two: generators of code do not know what is special about each place."""
    if isinstance(schema, list):
        return [simplify(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if places := schema.get("prefixItems"):
        kinds = [each for number, each in enumerate(places) if each not in places[:number]]
        rest = {key: value for key, value in schema.items() if key != "prefixItems"}
        schema = {**rest, "items": kinds[0] if len(kinds) == 1 else {"anyOf": kinds}}
    return {key: simplify(value) for key, value in schema.items()}
