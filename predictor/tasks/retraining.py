"""Retrains a model as a job."""

from typing import TYPE_CHECKING

from django.conf import settings

from predictor import jobs
from predictor.files.keeping import find_kept
from predictor.models import DataVersion
from predictor.tasks.cluster import try_again_without_cluster
from predictor.tasks.progress import JobProgress

if TYPE_CHECKING:
    from predictor.lifecycle.registration import Registered


def retrain(held: jobs.Held) -> None:
    """Retrain a model by its recipe; the version and the end of the job are committed together.

    `data_version` in its arguments is the number of a table that was uploaded before, and `file` one that is now kept.
    """
    # It imports numpy, which a worker that waits does without.
    from predictor.lifecycle.retraining import RetrainRequest, retrain_model

    progress = JobProgress(held)
    request = RetrainRequest(
        slug=held.job.model,
        by=held.job.made_by,
        data_version=find_table(held, progress),
        with_outcomes=bool(held.job.arguments.get("with_outcomes")),
        scheduler=settings.SCHEDULER_URL,
        on_registered=lambda registered: jobs.finish(held, describe(registered)),
    )
    with try_again_without_cluster():
        registered = retrain_model(settings.MODELS_DIR, request, progress)
    if registered.version is None:
        jobs.finish(held, describe(registered))


def find_table(held: jobs.Held, progress: JobProgress) -> DataVersion | None:
    """The uploaded table that takes the place of the recipe's; None where the recipe's is used."""
    from predictor.lifecycle.data_versions import find_data_version, keep_data_version

    job, arguments = held.job, held.job.arguments
    if "file" in arguments:
        progress(f"{job.model}: reading what was uploaded")
        return keep_data_version(job.model, find_kept(arguments["file"]), job.made_by)
    return find_data_version(job.model, arguments["data_version"]) if "data_version" in arguments else None


def describe(registered: "Registered") -> dict[str, object]:
    """What the admin shows of a retrain."""
    return {"version": registered.version, "promoted": registered.promoted, "reason": registered.reason}
