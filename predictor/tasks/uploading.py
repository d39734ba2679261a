"""Makes a model of an uploaded table as jobs: one looks into the table, another trains."""

import msgspec
from django.conf import settings

from predictor import jobs
from predictor.files.keeping import find_kept
from predictor.tasks.progress import JobProgress
from predictor.tasks.retraining import describe


def draft(held: jobs.Held) -> None:
    """List the columns of a kept table or, where the job names a target, propose a recipe."""
    # It imports numpy, which a worker that waits does without.
    from predictor.lifecycle.uploading import propose_upload

    arguments = held.job.arguments
    jobs.report(held, "looking into the table")
    found = propose_upload(settings.MODELS_DIR, held.job.model, find_kept(arguments["file"]), arguments.get("target"))
    jobs.finish(held, msgspec.to_builtins(found))


def train(held: jobs.Held) -> None:
    """Train a model by a recipe from a form; recipe, version and the end of the job are committed together."""
    from predictor.lifecycle.retraining import RetrainRequest
    from predictor.lifecycle.uploading import train_upload

    arguments = held.job.arguments
    request = RetrainRequest(
        slug=held.job.model,
        by=held.job.made_by,
        on_registered=lambda registered: jobs.finish(held, describe(registered)),
    )
    file = find_kept(arguments["file"])
    train_upload(settings.MODELS_DIR, request, arguments["content"], file, JobProgress(held))
