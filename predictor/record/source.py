"""Where a version's rows came from, as it keeps it."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

# What a version is read with that keeps nothing of it.
UNKNOWN = {"file": "", "sha256": "", "training_rows": 0, "held_out_rows": 0, "rows_without_target": 0}


class UsedOutcomes(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of the recorded outcomes of earlier predictions, as further rows."""

    # How many were recorded, and of these how many fit the recipe and its table.
    found: int
    used: int
    # Of those that were used.
    held_out: int
    # How many were not used, by cause.
    left_out: dict[str, int]
    # When the last of them was recorded, in UTC, as ISO 8601 has it.
    newest: str
    # The moment that they were recorded at or after; None for any.
    since: str | None


class TrainedSource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rows of a version that was trained here, which a retrain compares with those of the live version.

    `origin`, and `outcomes` where there are none, are not written: rows of builds that have neither differ in nothing.
    """

    origin: Literal["trained"] = "trained"
    # The table's name.
    file: str
    # Of the table's bytes.
    sha256: str
    training_rows: int
    held_out_rows: int
    # How many rows of the table were left out, because their target is missing.
    rows_without_target: int
    # What was made of outcomes; None where there were none.
    outcomes: UsedOutcomes | None = None


class ImportedSource(msgspec.Struct, frozen=True, kw_only=True):
    """The sample that a version was measured on which was fitted elsewhere."""

    origin: Literal["imported"] = "imported"
    # The sample's name.
    file: str
    # Of the sample's bytes.
    sha256: str
    # How many rows of the sample the model was measured on.
    rows: int
    # How many rows of the sample were left out, because their target is missing.
    rows_without_target: int
    # Unknown.
    training_rows: None = None
    # The name and the SHA-256 of the file that was imported.
    model_file: str
    model_sha256: str


Source = TrainedSource | ImportedSource


def read_source(stored: Mapping[str, Any]) -> Source:
    """Read what a version keeps of it; where that has no `origin`, only an import has the file of a model."""
    if stored.get("origin") == "imported" or "model_file" in stored:
        return msgspec.convert(stored, ImportedSource)
    return msgspec.convert({**UNKNOWN, **stored}, TrainedSource)
