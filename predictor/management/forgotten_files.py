"""Deletes kept files that may have predictions which are forgotten."""

from datetime import datetime

from django.db.models import Q, QuerySet

from predictor import jobs
from predictor.files.keeping import remove
from predictor.models import Job, KeptFile

# The kinds that read or write rows of predictions.
KINDS = (jobs.SCORE, jobs.WRITE, jobs.EXPORT, jobs.OUTCOMES)
# An error may quote a value.
ERASED = "Its error was erased by manage.py forget."


def remove_files(model: str, since: datetime, *, dry_run: bool) -> int:
    """Delete what jobs about a model have read or written since a moment, and count the files.

    Their errors, the hashes of their files and what they searched for are erased, which may tell values. Jobs that are
    unfinished may have read a prediction already, and are cancelled.
    """
    found = Job.objects.filter(kind__in=KINDS, model=model)
    late = list(found.filter(Q(finished_at=None) | Q(finished_at__gte=since)))
    files = list_files(late)
    if not dry_run:
        for job in late:
            jobs.cancel(job, by="manage.py forget")
        for file in files:
            remove(file)
        failed = Job.objects.filter(pk__in=[job.pk for job in late]).exclude(error="")
        failed.update(error=ERASED, problem=None)
        for job in late:
            if job.result and job.result.pop("sha256", ""):  # By which few values could be guessed.
                Job.objects.filter(pk=job.pk).update(result=job.result)
        for job in found.filter(kind=jobs.EXPORT).exclude(finished_at=None):
            Job.objects.filter(pk=job.pk).update(arguments={**job.arguments, "filters": {}})
    return len(files)


def list_files(found: list[Job]) -> "QuerySet[KeptFile]":
    named = {part.get("file") for job in found for part in (job.arguments, job.result or {})} - {None}
    return KeptFile.objects.filter(Q(pk__in=named) | Q(job__in=found))
