"""The errors of operations as the OpenAPI document describes them: one shape, and for each status what it means."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

JSON = "application/json"


class ErrorContent(msgspec.Struct, kw_only=True):
    """What is wrong: a code for programs and a sentence for people; by field where inputs are invalid."""

    code: str
    message: str
    fields: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    codes: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class Error(msgspec.Struct, kw_only=True):
    """The body of every answer with a status from 400 on."""

    error: ErrorContent


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """One status: its name among the document's responses, what it means, an example, and its headers."""

    name: str
    meaning: str
    example: ErrorContent
    headers: tuple[str, ...] = ()


def describe(name: str, meaning: str, code: str, message: str, *headers: str, **more: Any) -> Described:
    return Described(
        name=name, meaning=meaning, example=ErrorContent(code=code, message=message, **more), headers=headers
    )


FAULT = "The error is on our side, and it was logged; nothing was stored."
ERRORS = {
    400: describe(
        "Malformed",
        "The request cannot be read.",
        "malformed",
        'The body cannot be read (Input data was truncated): send {"inputs": {…}} or {"inputs": [{…}, …]}.',
    ),
    401: describe(
        "Unauthorized",
        "There is no valid API key.",
        "unauthorized",
        "This needs an API key. Send one as `Authorization: Bearer mlsite_…`.",
        "WWW-Authenticate",
    ),
    403: describe(
        "Forbidden",
        "The API key lacks a scope or a model, or the user a permission.",
        "forbidden",
        "The API key 'shop' does not have the scope 'read'.",
    ),
    404: describe("NotFound", "There is no such resource.", "model_not_found", "There is no model 'lime'."),
    409: describe(
        "Conflict",
        "It was sent before with other content.",
        "idempotency_key_reused",
        "This Idempotency-Key was sent with another body within a day: send another key, or the same body.",
    ),
    410: describe(
        "Gone",
        "The model is retired, or the prediction is forgotten.",
        "model_retired",
        "The model “A line” is retired since 1 March 2026: it makes no new predictions.",
    ),
    411: describe(
        "LengthRequired",
        "The body has neither a length nor chunks.",
        "length_required",
        "Send the body with a Content-Length, or in chunks without any other Transfer-Encoding.",
    ),
    413: describe(
        "TooLarge", "The request is too large.", "too_many_rows", "A request may have at most 1,000 rows, not 1,200."
    ),
    415: describe(
        "UnsupportedMediaType",
        "The body has another content type, charset or compression than is taken.",
        "unsupported_media_type",
        "Send application/json, not “text/plain”.",
        "Accept-Encoding",
    ),
    422: describe(
        "Invalid",
        "Some values are invalid. Nothing was predicted or stored.",
        "invalid_input",
        "Some inputs are invalid; nothing was predicted or stored.",
        fields={"x": "“five” is not a number: give a number such as 4.9."},
        codes={"x": "not_a_number"},
    ),
    429: describe(
        "TooOften",
        "Too much was asked in a short time.",
        "too_many_requests",
        "You send more than 6,000 rows a minute: wait 12 s.",
        "Retry-After",
    ),
    500: describe("Fault", "The error is on our side, and it was logged; nothing was stored.", "fault", FAULT),
    503: describe(
        "Unavailable",
        "The site cannot answer at the moment. Send the request again after the seconds in `Retry-After`.",
        "unavailable",
        "The history cannot be reached, and no answer is given that is not kept.",
        "Retry-After",
    ),
}
HEADERS = {
    "ETag": ("What a client sends as If-None-Match the next time.", {"type": "string"}),
    "Retry-After": ("After how many seconds to send the request again.", {"type": "integer", "minimum": 0}),
    "WWW-Authenticate": ("How to authenticate: Bearer.", {"type": "string"}),
    "Accept-Encoding": ("The compressions that are taken.", {"type": "string"}),
}


def refer_to_errors(statuses: Iterable[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A reference to the response for each status, in their order."""
    for status in sorted(set(statuses)):
        yield str(status), {"$ref": f"#/components/responses/{ERRORS[status].name}"}


def describe_responses() -> dict[str, Any]:
    """The errors as the document's responses, by name."""
    return {each.name: _describe_response(each) for each in ERRORS.values()}


def _describe_response(described: Described) -> dict[str, Any]:
    example = msgspec.to_builtins({"error": described.example})
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}, "example": example}}
    response: dict[str, Any] = {"description": described.meaning, "content": content}
    if described.headers:
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in described.headers}
    return response


def describe_headers() -> dict[str, Any]:
    return {name: {"description": meaning, "schema": schema} for name, (meaning, schema) in HEADERS.items()}
