"""Deletes uploaded tables that nothing needs any more."""

from django.db import transaction
from django.db.models import ProtectedError, QuerySet

from predictor.exceptions import TableInUse
from predictor.files.keeping import remove
from predictor.languages import gettext as _
from predictor.models import Artifact, DataVersion, Job, Version


def discard(table: DataVersion) -> None:
    """Delete a table and its bytes. Raises TableInUse, in the current language."""
    with transaction.atomic(durable=True):
        DataVersion.objects.select_for_update().filter(pk=table.pk).first()
        version, job = list_trained(table).first(), find_job(table)
        if version is not None:
            sentence = _("{table} cannot be deleted: version {number} was trained on it")
            raise TableInUse(sentence.format(table=table, number=version.number))
        if job is not None:
            raise TableInUse(_("{table} cannot be deleted: job {job} needs it").format(table=table, job=job.pk))
        try:
            DataVersion.objects.filter(pk=table.pk).delete()
        except ProtectedError as error:
            sentence = _("{table} cannot be deleted: the recipe of {model} names it")
            raise TableInUse(sentence.format(table=table, model=table.model)) from error
    if not DataVersion.objects.filter(file=table.file).exists():
        remove(table.file)


def list_trained(table: DataVersion) -> "QuerySet[Version]":
    """The versions that were trained on a table and can still be served, the newest first."""
    same = Version.objects.filter(model=table.model, data__sha256=table.sha256)
    return same.filter(pk__in=Artifact.objects.values("version")).order_by("-number")


def find_job(table: DataVersion) -> Job | None:
    """An unfinished job that was asked to train on a table."""
    jobs = Job.objects.unfinished().filter(model=table.model)
    return (
        jobs.filter(arguments__data_version=table.pk).first() or jobs.filter(arguments__file=str(table.file_id)).first()
    )
