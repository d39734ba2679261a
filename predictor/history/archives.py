"""Which months are archived, and one page of an archive's predictions. Its file is read by commands alone."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from predictor.exceptions import DamagedArchive
from predictor.history.ids import find_moment

NAME = "predictions-{month}"
MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
ROWS_OF_A_PAGE = 100


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive's description has: the month, its file in the same folder, and what that contains."""

    month: str
    file: str
    sha256: str
    rows: int
    outcomes: int

    @property
    def start(self) -> datetime:
        return datetime.strptime(self.month, "%Y-%m").replace(tzinfo=UTC)


class ArchivedOutcome(msgspec.Struct, frozen=True, kw_only=True):
    value: Any
    recorded_at: datetime
    recorded_by: str
    queue: str | None = None


class ArchivedPrediction(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction as it was stored; `outcomes` has the current one last."""

    id: UUID
    model: str
    version: int
    source: str
    created_at: datetime
    duration_ms: float
    reference: str | None = None
    inputs: dict[str, Any]
    hashed_inputs: dict[str, str | None] | None
    output: Any
    probabilities: dict[str, float] | None
    interval: list[float] | None
    warnings: list[Any]
    warning_codes: list[Any] | None
    outcomes: list[ArchivedOutcome]


class ArchivedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Predictions of an archive, the newest first; those older than `before` are the next ones, None at the end."""

    month: str
    file: str
    predictions: list[ArchivedPrediction]
    before: UUID | None = None


def list_archives(folder: Path) -> list[Archive]:
    """The archives of a folder in the order of time. Raises DamagedArchive."""
    return [read_description(each) for each in list_descriptions(folder)]


def list_descriptions(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob(f"{NAME.format(month='*')}.json"))


def read_description(description: Path) -> Archive:
    """The archive that a file describes. Raises DamagedArchive."""
    try:
        return msgspec.json.decode(description.read_bytes(), type=Archive)
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedArchive(f"{description} cannot be read: {error}") from error


def find_archive(folder: Path, month: str) -> Archive | None:
    """The archive of a month; None where there is none. Raises DamagedArchive."""
    description = folder / f"{NAME.format(month=month)}.json"
    return read_description(description) if MONTH.fullmatch(month) and description.is_file() else None


def find_month(id: UUID) -> str | None:
    """The month in which the prediction with this id was made; None for an id that is of no time."""
    try:
        return f"{find_moment(id):%Y-%m}"
    except OverflowError:
        return None
