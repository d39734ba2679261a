"""Where a version's rows came from, as stored with it."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

# For a version that stores nothing of it.
UNKNOWN = {"file": "", "sha256": "", "training_rows": 0, "held_out_rows": 0, "rows_without_target": 0}


class UsedOutcomes(msgspec.Struct, frozen=True, kw_only=True):
    """How the recorded outcomes of earlier predictions were used as further rows."""

    # How many were recorded, and of these how many fit the recipe and its table.
    found: int
    used: int
    # How many of those used are held out.
    held_out: int
    # How many were not used, by cause.
    left_out: dict[str, int]
    # When the last of them was recorded, in UTC, as ISO 8601 has it.
    newest: str
    # They were recorded then or later; None for any moment.
    since: str | None


class TrainedSource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rows of a version that was trained here, which a retrain compares with those of the live version.

    `origin`, and `outcomes` and `data_version` where there are none, are not stored, so that rows of builds without
    them stay equal.
    """

    origin: Literal["trained"] = "trained"
    # The table's name.
    file: str
    # Of the table's bytes.
    sha256: str
    training_rows: int
    held_out_rows: int
    # How many rows of the table were left out because their target is missing.
    rows_without_target: int
    # None where no outcomes were used.
    outcomes: UsedOutcomes | None = None
    # The id of the table that was uploaded; None for the recipe's own, and for a local file.
    data_version: int | None = None


class ImportedSource(msgspec.Struct, frozen=True, kw_only=True):
    """The sample on which a version was measured that was trained elsewhere."""

    origin: Literal["imported"] = "imported"
    # The sample's name.
    file: str
    # Of the sample's bytes.
    sha256: str
    # How many rows of the sample the model was measured on.
    rows: int
    # How many rows of the sample were left out because their target is missing.
    rows_without_target: int
    # Unknown.
    training_rows: None = None
    # The name and the SHA-256 of the file that was imported; of several files each, with ", " between them.
    model_file: str
    model_sha256: str


Source = TrainedSource | ImportedSource


def read_source(stored: Mapping[str, Any]) -> Source:
    """Read a stored source; where it has no `origin`, only an import names a model file."""
    if stored.get("origin") == "imported" or "model_file" in stored:
        return msgspec.convert(stored, ImportedSource)
    return msgspec.convert({**UNKNOWN, **stored}, TrainedSource)
