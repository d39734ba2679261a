"""What jobs do, by the name of their kind: each task gets the job that its process holds."""

import logging
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import django.db
from django.conf import settings
from django.db import connection

from predictor import jobs
from predictor.exceptions import MlsiteError
from predictor.texts import leave_out_details

if TYPE_CHECKING:
    from predictor.lifecycle.registration import Registered

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 1.0


class DatabaseAway(Exception):  # Only for the worker, which lets the job go on once the database is back.
    """The database was lost while a job ran."""


def retrain(held: jobs.Held) -> None:
    """Retrain a model by its recipe; the version and the end of the job are committed together."""
    # It imports numpy, which a worker that waits does without.
    from predictor.lifecycle.retraining import RetrainRequest, retrain_model

    request = RetrainRequest(
        slug=held.job.model,
        by=held.job.made_by,
        with_outcomes=bool(held.job.arguments.get("with_outcomes")),
        on_registered=lambda registered: jobs.finish(held, describe(registered)),
    )
    registered = retrain_model(settings.MODELS_DIR, request, JobProgress(held))
    if registered.version is None:
        jobs.finish(held, describe(registered))


def describe(registered: "Registered") -> dict[str, object]:
    """What the admin shows of a retrain."""
    return {"version": registered.version, "promoted": registered.promoted, "reason": registered.reason}


TASKS: dict[str, Callable[[jobs.Held], None]] = {jobs.RETRAIN: retrain}


class JobProgress:
    """A `training.progress.Progress` that shows each line in the job's row, and counts once a second."""

    def __init__(self, held: jobs.Held) -> None:
        self._held = held
        self._step, self._written_at = "", float("-inf")

    def __call__(self, line: str, *, done: int = 0, total: int = 0) -> None:
        is_new = line != self._step
        if is_new or done == total or time.monotonic() - self._written_at >= SECONDS_BETWEEN_REPORTS:
            self._step, self._written_at = line, time.monotonic()
            jobs.report(self._held, line, done=done, total=total or None)


def carry_out(job: int, lease: uuid.UUID) -> None:
    """Do a job that was taken, and write what came of it. Raises DatabaseAway; a job that was taken over is left alone.

    What is raised on purpose would come again, so it stops the job; what else fails is tried again.
    """
    try:
        _carry_out(jobs.find_held(job, lease))
    except django.db.Error as error:
        raise DatabaseAway from error
    except jobs.LeaseLost as error:
        logger.warning("%s", error)


def _carry_out(held: jobs.Held) -> None:
    try:
        TASKS[held.job.kind](held)
    except jobs.LeaseLost:
        raise
    except MlsiteError as error:
        jobs.fail(held, str(error))
    except Exception as error:  # A worker must survive whatever a library raises, and the job shows it.
        if isinstance(error, django.db.Error) and not connection.is_usable():
            raise
        logger.exception("job %s failed", held.job.pk)
        jobs.fail_attempt(held, f"{type(error).__name__}: {leave_out_details(str(error)).strip()}")
