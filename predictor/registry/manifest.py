"""The signed manifest of an artifact, which is canonical JSON.

Format 2 names the database, model, number and kind, the schema and the interval of its answers, the libraries, the
size and SHA-256 of the bytes, and the SHA-256 of the recipe's own pipeline.py where there is one. So signed bytes
cannot be served as another version, in another database, under another schema or with another interval.
Format 1 has neither database nor interval. Processes of the former build read it, so every artifact is signed in
both formats, and format 1 alone is accepted until `manage.py resign` has run.
Format 3 is format 2 for schemas with dates or times, format 4 for those with sensitive inputs; neither is signed in
format 1.
To change the format: raise FORMAT, add columns for it, and keep reading the old one for as long as databases may
contain it.
"""

import json
from dataclasses import dataclass
from typing import Any

from predictor.exceptions import WrongFormat, WrongPlace
from predictor.registry.signatures import find_key
from predictor.schema.schema import Schema

FORMAT = 2
# The same as format 2, for schemas with a kind of input that the builds of formats 1 and 2 do not know: they would read
# it as a number, so they must refuse such a version and go on serving the one that they hold.
FORMAT_OF_NEW_KINDS = 3
# The same for schemas with a sensitive input: builds that know formats 1 to 3 would store it.
FORMAT_OF_SENSITIVE = 4
FORMER_KINDS = frozenset({"number", "integer", "category", "boolean"})
ADDED_BY_FORMAT_2 = ("database", "interval")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The version and the database that an artifact belongs to; the signed ones must be equal."""

    database: str
    model: str
    number: int
    kind: str


def build_manifest(
    identity: Identity,
    schema: Schema,
    *,
    interval: dict[str, Any] | None,
    size: int,
    sha256: str,
    libraries: dict[str, str],
    code: str | None = None,
) -> dict[str, Any]:
    """Build the manifest, in format 2, 3 or 4, of an artifact of `size` bytes with this SHA-256."""
    return {
        "format": choose_format(schema),
        "database": identity.database,
        "model": identity.model,
        "number": identity.number,
        "kind": identity.kind,
        "schema": schema.to_json(),
        "interval": interval,
        "libraries": libraries,
        "code": code,
        "size": size,
        "sha256": sha256,
    }


def choose_format(schema: Schema) -> int:
    """The oldest format whose builds answer, and store, inputs of this schema as it says."""
    if schema.sensitive:
        return FORMAT_OF_SENSITIVE
    has_new_kinds = any(feature.kind not in FORMER_KINDS for feature in schema.features)
    return FORMAT_OF_NEW_KINDS if has_new_kinds else FORMAT


def reduce_manifest(content: dict[str, Any]) -> dict[str, Any]:
    """The same manifest in format 1, for processes of the former build; empty where they cannot read its schema."""
    if content["format"] != FORMAT:
        return {}
    return {name: value for name, value in content.items() if name not in ADDED_BY_FORMAT_2} | {"format": 1}


def extend_manifest(content: dict[str, Any], *, database: str, interval: dict[str, Any] | None) -> dict[str, Any]:
    """An opened manifest of format 1 in format 2, with the values that only the database has."""
    return content | {"format": FORMAT, "database": database, "interval": interval}


def write_manifest(content: dict[str, Any]) -> str:
    """The text to sign: canonical JSON, so that the same content always gives the same text."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def open_manifest(manifest: str, signature: str, identity: Identity, *, format: int = FORMAT) -> dict[str, Any]:
    """Verify a manifest of one format, 3 and 4 counting as 2, and read it.

    Raises UntrustedArtifact: BadSignature, WrongFormat for another format than this one, and WrongPlace where it was
    signed for something other than `identity`.
    """
    find_key(manifest, signature)
    content: dict[str, Any] = json.loads(manifest)
    readable = (FORMAT, FORMAT_OF_NEW_KINDS, FORMAT_OF_SENSITIVE) if format == FORMAT else (format,)
    if content["format"] not in readable:
        raise WrongFormat(f"it has format {content['format']}, and this build reads format {format} here")
    # Format 1 names no database.
    signed = Identity(
        database=content.get("database", identity.database),
        model=content["model"],
        number=content["number"],
        kind=content["kind"],
    )
    if signed.database != identity.database:
        raise WrongPlace(f"its manifest was signed for another database, whose id is {signed.database}")
    if signed != identity:
        raise WrongPlace(f"its manifest was signed for {signed.model} {signed.number} ({signed.kind})")
    return content
