"""What an operation takes and answers, as the OpenAPI document describes it: one path, or one for each live model."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from predictor.access.callers import Scope
from predictor.api.described_errors import JSON, refer_to_errors
from predictor.api.described_models import make_answer_example, make_request_example, refer
from predictor.api.idempotency import MOST_CHARACTERS
from predictor.api.operations import Operation
from predictor.api.samples import make_sample
from predictor.models import Version

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
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of an answer that the client has: where it is still the same, the status is 304.",
    "schema": {"type": "string"},
}
UNCHANGED = {"description": "The client has the newest, by its `If-None-Match`."}
CAPTURED = re.compile(r"<(\w+):(\w+)>")
CAPTURES: dict[str, dict[str, Any]] = {
    "slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
    "id": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "str": {"type": "string", "minLength": 1},
}
MEANINGS = {"slug": "The model's name in addresses.", "id": "The id of a prediction.", "number": "A version's number."}


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
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": refer(operation.request.__name__)}}}
    content: dict[str, Any] = {name: {"schema": CONTENTS.get(name, {"type": "string"})} for name in operation.contents}
    if operation.response is not None:
        content = {JSON: {"schema": refer(operation.response.__name__)}, **content}
    answered = {"description": "Done."} | ({"content": content} if content else {})
    described["responses"] = {"200": answered, **described["responses"]}
    if operation.is_conditional:
        described["parameters"] = [*described["parameters"], IF_NONE_MATCH]
        answered["headers"] = {"ETag": {"$ref": "#/components/headers/ETag"}}
        described["responses"]["304"] = UNCHANGED
    return {name: value for name, value in described.items() if value not in ("", [])}


def _describe_exchange(operation: Operation, version: Version) -> dict[str, Any]:
    """What differs between the models of an operation that takes inputs."""
    slug, own = version.model, _describe("", operation, [])
    bodies = [f"{slug}_request", f"{slug}_batch"] if operation.is_direct else [f"{slug}_trial"]
    schema = {"oneOf": [refer(name) for name in bodies]} if len(bodies) > 1 else refer(bodies[0])
    request = {"schema": schema, "example": make_request_example(version)}
    answer = {"schema": refer(f"{slug}_predictions"), "example": make_answer_example(version)}
    if operation.response is not None:
        answer = {"schema": refer(operation.response.__name__)}
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
