"""Asks for a retrain in the name of a user; a worker does it."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from predictor import jobs
from predictor.admin.retrain_form import RetrainForm
from predictor.exceptions import NoSpace
from predictor.files.uploading import keep_upload
from predictor.models import Job, Version

RETRAIN = "predictor.can_retrain"
KINDS = (jobs.RETRAIN, jobs.RETRAIN_ON_TABLE)


def is_trained_here(model: str) -> bool:
    """Whether a model has a recipe to train by, as far as its versions show: where all were imported, there is none."""
    return list_trained().filter(model=model).exists()


def may_retrain(request: HttpRequest, model: str) -> bool:
    return request.user.has_perm(RETRAIN) and is_trained_here(model)


def list_trained() -> QuerySet[Version]:
    """The versions that were not imported."""
    return Version.objects.exclude(data__has_key="model_file")


def retrain_for(request: HttpRequest, model: str, form: RetrainForm) -> Job | None:
    """The job of a model's retrain: a new one, unless one waits or runs already. The user gets a message.

    None where the uploaded table has no space, which the form then says.
    """
    job = Job.objects.unfinished().filter(kind__in=KINDS, model=model).order_by("-id").first()
    if job is not None:
        messages.info(request, gettext("A retrain of {model} waits or runs already.").format(model=model))
        return job
    by, chosen = request.user.get_username(), form.cleaned_data
    arguments: dict[str, Any] = {"with_outcomes": chosen["with_outcomes"]}
    if chosen["data_version"]:
        arguments["data_version"] = chosen["data_version"].pk
    if chosen["table"]:
        try:
            arguments["file"] = str(keep_upload(chosen["table"], by=by).pk)
        except NoSpace as error:
            form.add_error("table", str(error))
            return None
    kind = jobs.RETRAIN_ON_TABLE if chosen["data_version"] or chosen["table"] else jobs.RETRAIN
    job = jobs.enqueue(kind, by=by, model=model, arguments=arguments)
    messages.success(request, gettext("A worker will retrain {model}.").format(model=model))
    return job


def describe_retrain(version: Version) -> dict[str, Any]:
    """What the page says that asks whether a model is to be retrained."""
    sentence = gettext("{model} is trained by its recipe. The new version goes live if it is better than the live one.")
    return {
        "title": gettext("Retrain {model}").format(model=version.model),
        "sentence": sentence.format(model=version.model),
        "button_label": gettext("Retrain"),
        "back_label": str(version),
    }


def describe_missing_worker() -> str:
    """Where no worker runs, that jobs wait, and how to start one."""
    if jobs.is_worker_alive():
        return ""
    sentence = gettext("No worker runs, so jobs wait. Start one: {command} (on Heroku: {on_heroku}).")
    return sentence.format(command="./manage.py worker", on_heroku="heroku ps:scale worker=1")
