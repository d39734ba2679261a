"""Reads archived predictions from a web process: by `manage.py archive --show` in another one, with polars."""

import logging
import subprocess
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

import msgspec

from predictor.exceptions import ArchiveNotRead
from predictor.history.archives import ArchivedPage, ArchivedPrediction
from predictor.history.commands import read_problem, write_command
from predictor.languages import gettext as _
from predictor.models import Outcome, Prediction, Version
from predictor.turns import leave_connection

logger = logging.getLogger(__name__)
# Who waits keeps one of the admin's few threads.
SECONDS_OF_A_PAGE, SECONDS_IN_LINE = 20, 3
# One at a time in a web process: the other process takes its memory next to it.
reading = Lock()


@dataclass(frozen=True, kw_only=True)
class Archived:
    """A prediction that is made of an archive's row, not stored, with its outcomes, the newest first."""

    prediction: Prediction
    outcomes: Sequence[Outcome]


def read_archived(
    month: str, models: Collection[str] | None, *, before: UUID | None = None, id: UUID | None = None
) -> ArchivedPage:
    """The newest archived predictions of a month, those older than `before`, or the one with an id.

    Only those of `models`; of all for None. Raises ArchiveNotRead.
    """
    if models is not None and not models:
        raise ArchiveNotRead(_("There is no model whose predictions you may see."))
    chosen = [f"--model={each}" for each in sorted(models or ())]
    chosen += [f"--{name}={value}" for name, value in (("before", before), ("id", id)) if value]
    leave_connection()
    if not reading.acquire(timeout=SECONDS_IN_LINE):
        raise ArchiveNotRead(_("Another archive is being read: try again when it is done."))
    try:
        return msgspec.json.decode(_run(["archive", f"--show={month}", "--format=json", *chosen]), type=ArchivedPage)
    finally:
        reading.release()


def _run(arguments: Sequence[str]) -> bytes:
    command = write_command(*arguments)
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS_OF_A_PAGE, check=False)  # noqa: S603  # Our own command, whose arguments were parsed.
    except (OSError, subprocess.TimeoutExpired) as error:
        logger.warning("an archive was not read: %s", error)
        raise ArchiveNotRead(_("The archive could not be read in time: try again.")) from error
    if done.returncode:
        problem = read_problem(done.stderr)
        logger.warning("an archive was not read: %s", problem or "without a word")
        raise ArchiveNotRead(problem or _("The archive cannot be read: see the log."))
    return done.stdout


def make_archived(rows: Sequence[ArchivedPrediction]) -> list[Archived]:
    """The predictions of an archive's rows, without what was forgotten since. Raises ArchiveNotRead."""
    versions = _find_versions(rows)
    ids = [each.id for each in rows]
    forgotten = set(Prediction.objects.filter(id__in=ids, output=None).values_list("id", flat=True))
    return [_make_one(each, versions, is_forgotten=each.id in forgotten) for each in rows]


def _find_versions(rows: Iterable[ArchivedPrediction]) -> dict[tuple[str, int], Version]:
    named = {(each.model, each.version) for each in rows}
    models, numbers = {model for model, _number in named}, {number for _model, number in named}
    found = Version.objects.for_lists().filter(model__in=models, number__in=numbers)
    versions = {(each.model, each.number): each for each in found}
    for model, number in sorted(named - versions.keys()):
        sentence = _("The archive has predictions of version {number} of {model}, which is not in this database.")
        raise ArchiveNotRead(sentence.format(number=number, model=model))
    return versions


def _make_one(row: ArchivedPrediction, versions: dict[tuple[str, int], Version], *, is_forgotten: bool) -> Archived:
    erased: dict[str, Any] = {"inputs": {}, "warnings": []}
    values = {name: getattr(row, name) for name in ("id", "source", "created_at", "duration_ms")}
    for name in ("inputs", "hashed_inputs", "output", "probabilities", "interval", "warnings", "warning_codes"):
        values[name] = erased.get(name) if is_forgotten else getattr(row, name)
    prediction: Any = Prediction(**values, version=versions[row.model, row.version])
    kept = [] if is_forgotten else row.outcomes[::-1]
    outcomes = [Outcome(prediction=prediction, **msgspec.structs.asdict(each)) for each in kept]
    prediction.current_outcomes = outcomes[:1]
    return Archived(prediction=prediction, outcomes=outcomes)
