"""A folder of Parquet parts with one manifest, which says what is in each, and of what input it was made."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from predictor.cluster.work import ScoredPiece

MANIFEST = "manifest.json"
FORMAT = 1


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part: its file, and where its rows are in the input, by `Piece.start` and `Piece.stop`.

    Blank rows of CSV are in no part. `errors` are the rows without an answer.
    """

    file: str
    rows: int
    errors: int
    size: int
    sha256: str
    start: int
    stop: int


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """The file that was scored; `unit` is what the parts' places count: bytes or rows."""

    name: str
    size: int
    sha256: str
    unit: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All parts, in the order of the input's rows; `rows` and `errors` are those of all."""

    format: int
    model: str
    version: int
    model_sha256: str
    history: bool
    input: Input
    columns: list[str]
    rows: int
    errors: int
    parts: list[Part]


def hash_file(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_parts(pieces: Iterable[ScoredPiece], folder: Path, **described: Any) -> Manifest:
    """Write a folder that appears whole or not at all; `described` are the manifest's other fields.

    Raises OSError where the folder exists or cannot be written.
    """
    if folder.exists():
        raise FileExistsError(17, "it exists already", str(folder))
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        parts = [_write_part(made, number, piece) for number, piece in enumerate(filter(_has_rows, pieces))]
        rows, errors = sum(part.rows for part in parts), sum(part.errors for part in parts)
        manifest = Manifest(format=FORMAT, rows=rows, errors=errors, parts=parts, **described)
        (made / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
        # At the end: until then the system writes them while workers answer the next pieces.
        for file in made.iterdir():
            _sync(file)
        made.chmod(0o755)
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return manifest


def _has_rows(piece: ScoredPiece) -> bool:
    return piece.rows > 0


def _write_part(folder: Path, number: int, scored: ScoredPiece) -> Part:
    name = f"part-{number:06}.parquet"
    (folder / name).write_bytes(scored.data)
    return Part(
        file=name,
        rows=scored.rows,
        errors=scored.refused,
        size=len(scored.data),
        sha256=hashlib.sha256(scored.data).hexdigest(),
        start=scored.piece.start,
        stop=scored.piece.stop,
    )


def _sync(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
