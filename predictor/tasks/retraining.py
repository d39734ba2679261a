"""Retrains a model as a job."""

from typing import TYPE_CHECKING

from django.conf import settings

from predictor import jobs
from predictor.tasks.progress import JobProgress

if TYPE_CHECKING:
    from predictor.lifecycle.registration import Registered


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
