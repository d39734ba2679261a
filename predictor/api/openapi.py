"""The OpenAPI 3.1 document: written from the operations, and from the schemas of the models that are live."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec
from django.conf import settings

from predictor.access.callers import Scope
from predictor.api.described_errors import JSON, Error, describe_headers, describe_responses, refer_to_errors
from predictor.api.described_models import (
    describe_schemas,
    list_known,
    make_answer_example,
    make_request_example,
    refer,
)
from predictor.api.idempotency import MOST_CHARACTERS
from predictor.api.operations import Operation
from predictor.api.samples import make_sample
from predictor.models import Version

REF = "#/components/schemas/{name}"
DESCRIPTION = """\
Predictions by the models of this site, and what became of them. Every prediction is stored before it is answered.

All bodies are JSON in UTF-8. What is invalid is refused as a whole: nothing of it is stored. Whatever the status of an
error, its body has a code for programs and a sentence for people; where inputs are invalid, both by field."""
KEY = "A key that `manage.py createkey` or the admin made: `Authorization: Bearer mlsite_…`. It has scopes and models."
TAGS = {
    "predict": ("Predictions", "Ask the models."),
    None: ("Models", "What there is to ask, and how good it is."),
    "read": ("History", "What was asked and answered. A key needs the scope `read`."),
    "outcome": ("Outcomes", "What really happened. A key needs the scope `outcome`."),
}
# Errors that every operation may answer with.
ERRORS = (400, 401, 403, 404, 429, 500, 503)
# Bodies that no struct describes; others are texts.
CONTENTS: dict[str, dict[str, Any]] = {JSON: {"type": "object"}}
# The header of predictions (predictor.api.idempotency).
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Sent again within a day, with the same body, the request gets the stored answer.",
    "schema": {"type": "string", "pattern": f"^[ -~]{{1,{MOST_CHARACTERS}}}$"},
    "example": "4f6e2c1a-nightly",
}
CAPTURED = re.compile(r"<(\w+):(\w+)>")
CAPTURES: dict[str, dict[str, Any]] = {
    "slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "str": {"type": "string", "minLength": 1},
}
MEANINGS = {"slug": "The model's name in addresses.", "id": "The id of a prediction.", "number": "A version's number."}


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


def describe_security(operation: Operation, path: str, free: Collection[str] | None) -> list[dict[str, list[str]]]:
    """A key with the scope; none is needed for what everybody may do."""
    key: dict[str, list[str]] = {"key": [operation.scope] if operation.scope else []}
    is_free = operation.scope is None and free is not None
    if operation.scope is Scope.PREDICT and free:
        is_free = any(path.startswith(f"/api/v1/models/{slug}/") for slug in free)
    return [{}, key] if is_free else [key]


def add_examples(described: dict[str, Any], schemas: dict[str, Any], known: dict[str, Any]) -> None:
    """Give each parameter and each JSON body an example, unless it has one."""
    parameters = described.get("parameters", [])
    for each in parameters:
        if each["in"] == "path" and "examples" not in each["schema"]:
            each["example"] = make_sample(each["schema"], schemas, known)
    for each in (described.get("requestBody", {}), described["responses"]["200"]):
        media = each.get("content", {}).get(JSON)
        if media and "example" not in media:
            media["example"] = make_sample(media["schema"], schemas, known)


def describe_operation(
    pattern: str, operation: Operation, versions: Sequence[Version]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The paths of an operation with its description: one, or one for each model whose inputs it takes."""
    if not takes_inputs(operation):
        yield _make_path(pattern), _describe(pattern, operation, [version.model for version in versions])
        return
    for version in versions:
        own = pattern.replace("<slug:slug>", version.model)
        yield _make_path(own), _describe(own, operation, []) | _describe_exchange(operation, version)


def takes_inputs(operation: Operation) -> bool:
    """Whether its bodies are made of a model's inputs and predictions, which no struct describes."""
    return operation.method == "POST" and operation.request is None


def _make_path(pattern: str) -> str:
    return "/" + CAPTURED.sub(r"{\2}", pattern)


def _describe(pattern: str, operation: Operation, slugs: list[str]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": unwrap(operation.description),
        "tags": [TAGS[operation.scope][0]],
        "parameters": [*_describe_captured(pattern, slugs), *_describe_parameters(operation)],
        "responses": dict(refer_to_errors([*ERRORS, *operation.statuses])),
    }
    if operation.request is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": _refer_to(operation.request)}}}
    content: dict[str, Any] = {name: {"schema": CONTENTS.get(name, {"type": "string"})} for name in operation.contents}
    if operation.response is not None:
        content = {JSON: {"schema": _refer_to(operation.response)}, **content}
    answered = {"description": "Done."} | ({"content": content} if content else {})
    described["responses"] = {"200": answered, **described["responses"]}
    return {name: value for name, value in described.items() if value not in ("", [])}


def _describe_exchange(operation: Operation, version: Version) -> dict[str, Any]:
    """What differs between the models of an operation that takes inputs."""
    slug, own = version.model, _describe("", operation, [])
    bodies = [f"{slug}_request", f"{slug}_batch"] if operation.is_direct else [f"{slug}_trial"]
    schema = {"oneOf": [refer(name) for name in bodies]} if len(bodies) > 1 else refer(bodies[0])
    request = {"schema": schema, "example": make_request_example(version)}
    answer = {"schema": refer(f"{slug}_predictions"), "example": make_answer_example(version)}
    if operation.response is not None:
        answer = {"schema": _refer_to(operation.response)}
    headers = {"parameters": [IDEMPOTENCY_KEY]} if operation.is_direct else {}
    return headers | {
        "operationId": f"{operation.name}_{slug}",
        "summary": f"{version.title}: {operation.summary}",
        "requestBody": {"required": True, "content": {JSON: request}},
        "responses": {**own["responses"], "200": {"description": "Predicted.", "content": {JSON: answer}}},
    }


def unwrap(text: str) -> str:
    """Each paragraph of a docstring in one line."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _describe_captured(pattern: str, slugs: list[str]) -> Iterator[dict[str, Any]]:
    for kind, name in CAPTURED.findall(pattern):
        schema = {**CAPTURES[kind], **({"examples": slugs} if name == "slug" and slugs else {})}
        described = {"name": name, "in": "path", "required": True, "schema": schema}
        yield described | ({"description": MEANINGS[name]} if name in MEANINGS else {})


def _describe_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for each in operation.parameters:
        yield {"name": each.name, "in": "query", "description": each.description, "schema": each.schema}


def _refer_to(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": REF.format(name=struct.__name__)}
