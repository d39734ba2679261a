"""What jobs do, by the name of their kind: each task gets the job that its process holds."""

import logging
import uuid
from collections.abc import Callable

import django.db
from django.db import connection

from predictor import jobs
from predictor.exceptions import MlsiteError
from predictor.tasks.exporting import export
from predictor.tasks.monitoring import monitor
from predictor.tasks.outcomes import record_outcomes
from predictor.tasks.problems import describe_error
from predictor.tasks.replaying import replay
from predictor.tasks.retraining import retrain
from predictor.tasks.scoring import score
from predictor.tasks.uploading import draft, train
from predictor.tasks.writing import write
from predictor.texts import leave_out_details

logger = logging.getLogger(__name__)

TASKS: dict[str, Callable[[jobs.Held], None]] = {
    jobs.MONITOR: monitor,
    jobs.RETRAIN: retrain,
    jobs.RETRAIN_ON_TABLE: retrain,
    jobs.DRAFT: draft,
    jobs.TRAIN: train,
    jobs.SCORE: score,
    jobs.OUTCOMES: record_outcomes,
    jobs.EXPORT: export,
    jobs.REPLAY: replay,
    jobs.WRITE: write,
}


class DatabaseAway(Exception):  # Only for the worker, which lets the job go on once the database is back.
    """The database was lost while a job ran."""


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
        jobs.fail(held, str(error), problem=describe_error(error, held.job.kind))
    except Exception as error:  # A worker must survive whatever a library raises, and the job shows it.
        if isinstance(error, django.db.Error) and not connection.is_usable():
            raise
        logger.exception("job %s failed", held.job.pk)
        jobs.fail_attempt(held, f"{type(error).__name__}: {leave_out_details(str(error)).strip()}")
