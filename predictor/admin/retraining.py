"""Asks for a retrain in the name of a user; a worker does it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor import jobs
from predictor.models import Job, Version

RETRAIN = "predictor.can_retrain"


class RetrainForm(forms.Form):
    """On what a model is retrained."""

    with_outcomes = forms.BooleanField(
        required=False,
        label=_("Also train on recorded outcomes"),
        help_text=_("Rows that are held out stay held out."),
    )


def retrain_for(request: HttpRequest, model: str, *, with_outcomes: bool) -> Job:
    """The job of a model's retrain: a new one, unless one waits or runs already. The user gets a message."""
    job = Job.objects.unfinished().filter(kind=jobs.RETRAIN, model=model).order_by("-id").first()
    if job is not None:
        messages.info(request, gettext("A retrain of {model} waits or runs already.").format(model=model))
        return job
    job = jobs.enqueue(
        jobs.RETRAIN, by=request.user.get_username(), model=model, arguments={"with_outcomes": with_outcomes}
    )
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
