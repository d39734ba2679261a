"""Lets a version answer stored predictions again, as a job."""

import msgspec
from django.db import transaction

from predictor import jobs
from predictor.exceptions import ArtifactError
from predictor.models import Replay, Version
from predictor.tasks.progress import JobProgress


def replay(held: jobs.Held) -> None:
    """Answer the newest predictions of a model again; what was found and the end of the job are committed together.

    `version` in its arguments is the number of the version, and `last` how many predictions it answers.
    """
    # They import numpy, which a worker that waits does without.
    from predictor.scoring.replay import replay as answer_again
    from predictor.serving.runtime import load_runtime

    job, number = held.job, held.job.arguments["version"]
    version = Version.objects.get(model=job.model, number=number)
    progress = JobProgress(held)
    progress(f"{job.model}: loading version {number}")
    try:
        runtime = load_runtime(version)
    except ArtifactError as error:
        raise ArtifactError(f"{version} cannot be loaded: {error}") from error
    result = answer_again(runtime, job.arguments["last"], progress)
    with transaction.atomic(durable=True):
        jobs.finish(held, {"version": number, "rows": result.rows, "changed": result.changed})
        Replay.objects.create(version=version, result=msgspec.to_builtins(result))
