"""The operations of the OpenAPI document as its page shows them: each with its fields, examples and a command."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from predictor.api.described_errors import JSON
from predictor.numbers import LARGEST_INTEGER

Schema = Mapping[str, Any]
# The ends of all whole numbers, which are no limits of the model.
BOUNDLESS = (-LARGEST_INTEGER, LARGEST_INTEGER)
# Of a model with many inputs; the document has all.
MOST_FIELDS = 100
# Of choices that are written out.
MOST_CHOICES = 12


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter, or a property of a body. `where` is path, query, header or body."""

    name: str
    where: str
    kind: str
    note: str
    is_required: bool
    example: str

    @property
    def place(self) -> str:
        return self.where if self.is_required else f"{self.where}, optional"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a status means."""

    status: str
    meaning: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `note` is about its body; `body` and `answer` are examples as JSON."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    needs_key: bool
    fields: tuple[Field, ...]
    left_out: int
    note: str
    body: str
    answer: str
    answers: tuple[Answer, ...]
    curl: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The operations of one subject."""

    name: str
    description: str
    operations: tuple[Shown, ...]


def list_groups(document: Schema, address: str) -> list[Group]:
    """All operations by subject; `address` is that of the site, without a slash at its end."""
    by_tag: dict[str, list[Shown]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            shown = show_operation(document, path, method.upper(), operation, address)
            by_tag.setdefault(operation["tags"][0], []).append(shown)
    return [
        Group(name=tag["name"], description=tag["description"], operations=tuple(by_tag[tag["name"]]))
        for tag in document["tags"]
        if tag["name"] in by_tag
    ]


def show_operation(document: Schema, path: str, method: str, operation: Schema, address: str) -> Shown:
    responses, schemas = document["components"]["responses"], document["components"]["schemas"]
    media = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
    content = operation["responses"]["200"].get("content", {})
    parameters = [_show_parameter(each) for each in operation.get("parameters", ())]
    scopes: list[str] = next((each["key"] for each in operation["security"] if each), [])
    fields = [*parameters, *_list_properties(media.get("schema", {}), schemas)]
    needs_key = {} not in operation["security"]
    return Shown(
        name=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        scope=next(iter(scopes), ""),
        needs_key=needs_key,
        fields=tuple(fields[:MOST_FIELDS]),
        left_out=max(0, len(fields) - MOST_FIELDS),
        note=_follow(media.get("schema", {}), schemas).get("description", ""),
        body=_write(media.get("example")),
        answer=_write(content.get(JSON, {}).get("example")),
        answers=tuple(
            Answer(status=status, meaning=(responses[_find_name(each)] if "$ref" in each else each)["description"])
            for status, each in operation["responses"].items()
        ),
        curl=_write_curl(method, address + _fill(path, parameters), needs_key, media.get("example")),
    )


def _show_parameter(parameter: Schema) -> Field:
    schema = parameter["schema"]
    example = next(iter(schema.get("examples", ())), parameter.get("example", ""))
    described = {"description": parameter.get("description", ""), **schema}
    required = parameter.get("required", False)
    return _show_field(parameter["name"], described, where=parameter["in"], is_required=required, example=example)


def _list_properties(schema: Schema, schemas: Mapping[str, Schema], prefix: str = "") -> Iterator[Field]:
    """The properties of an object, those of the objects and lists in it after their own name and a point."""
    schema = _follow(schema, schemas)
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        found = _follow(each, schemas)
        inner = found if "properties" in found else _follow(found.get("items") or {}, schemas)
        if "properties" in inner:
            yield from _list_properties(inner, schemas, f"{prefix}{name}.")
        else:
            example = next(iter(found.get("examples", ())), "")
            yield _show_field(prefix + name, found, where="body", is_required=name in required, example=example)


def _follow(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """The schema itself behind a reference, or the first of several; that of one row where rows may come as a list."""
    while True:
        if "$ref" in schema:
            schema = {**schemas[_find_name(schema)], **{key: schema[key] for key in schema if key != "$ref"}}
        elif several := schema.get("oneOf") or schema.get("anyOf"):
            schema = {**several[0], **{key: schema[key] for key in schema if key not in ("oneOf", "anyOf")}}
        else:
            return schema


def _find_name(reference: Schema) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def _show_field(name: str, schema: Schema, *, where: str, is_required: bool, example: Any) -> Field:
    written = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)
    label = schema.get("title", "")
    note = ". ".join(part for part in ("" if name.endswith(label) else label, schema.get("description", "")) if part)
    return Field(name=name, where=where, kind=_name_kind(schema), note=note, is_required=is_required, example=written)


def _name_kind(schema: Schema) -> str:
    """The type in words, with its limits."""
    if choices := schema.get("enum"):
        shown = [str(each) for each in choices[:MOST_CHOICES] if each is not None]
        return f"one of {', '.join(shown)}{', …' if len(choices) > MOST_CHOICES else ''}"
    kind = schema.get("type", "any")
    kinds = [each for each in (kind if isinstance(kind, list) else [kind]) if each != "null"]
    words = schema.get("format", "") if kinds == ["string"] and "format" in schema else " or ".join(kinds)
    low, high = (schema.get(key, schema.get(f"x-{key}")) for key in ("minimum", "maximum"))
    low, high = (None if end in BOUNDLESS else end for end in (low, high))
    if low is not None and high is not None:
        return f"{words}, {low} to {high}"
    if low is not None or high is not None:
        return f"{words}, at least {low}" if low is not None else f"{words}, at most {high}"
    return f"{words}, at most {schema['maxLength']} characters" if "maxLength" in schema else words


def _fill(path: str, parameters: list[Field]) -> str:
    """The address with the examples of its parameters; those of the query only where they are required."""
    for each in parameters:
        if each.where == "path":
            path = path.replace(f"{{{each.name}}}", quote(each.example or "…", safe=""))
    query = {each.name: each.example for each in parameters if each.where == "query" and each.is_required}
    return f"{path}?{urlencode(query)}" if query else path


def _write_curl(method: str, address: str, needs_key: bool, body: Any) -> str:
    parts = ["curl"]
    if method != ("GET" if body is None else "POST"):
        parts.append(f"-X {method}")
    if needs_key:
        parts.append('-H "Authorization: Bearer $KEY"')
    if body is not None:
        parts.append(f"-H 'Content-Type: {JSON}'")
        parts.append(f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}")
    return " \\\n  ".join([" ".join(parts[:2]), *parts[2:], shlex.quote(address)])


def _write(example: Any) -> str:
    return "" if example is None else json.dumps(example, indent=2, ensure_ascii=False)
