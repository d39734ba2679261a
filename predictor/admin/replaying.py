"""Asks for a replay in the name of a user; a worker does it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor import jobs
from predictor.access.rights import limit
from predictor.admin.asking import ask
from predictor.admin.cells import show_moment
from predictor.formats import MISSING
from predictor.models import Artifact, Job, Replay, Version
from predictor.record.written_replay import write_replay

REPLAY = "predictor.can_replay"
# As `manage.py replay` has them.
DEFAULT_ROWS, MOST_ROWS = 10_000, 1_000_000


class ReplayForm(forms.Form):
    last = forms.IntegerField(
        min_value=1,
        max_value=MOST_ROWS,
        initial=DEFAULT_ROWS,
        label=_("How many predictions"),
        help_text=_("The newest of this model, whichever version made them."),
    )


def may_replay(request: HttpRequest, version: Version) -> bool:
    """Whether the user may ask for it, and the version can still be loaded."""
    return request.user.has_perm(REPLAY) and Artifact.objects.filter(version=version).exists()


def replay_view(request: HttpRequest, number: int) -> HttpResponse:
    """Ask how many predictions the version with this id is to answer again, and then add a job."""
    if not request.user.has_perm(REPLAY):
        raise PermissionDenied
    version = get_object_or_404(limit(Version.objects.only("model", "number"), request.user), pk=number)
    form = ReplayForm(request.POST if request.method == "POST" else None, label_suffix="")
    if request.method == "POST" and form.is_valid():
        job = replay_for(request, version, form.cleaned_data["last"])
        return redirect("admin:predictor_job_change", job.pk)
    sentence = gettext(
        "{version} answers stored predictions again. Nothing of it is stored as a prediction, or goes live."
    )
    return ask(
        request,
        Version._meta,
        title=gettext("Replay predictions by {version}").format(version=version),
        sentence=sentence.format(version=version),
        button_label=gettext("Replay"),
        back_label=str(version),
        form=form,
        back=reverse("admin:predictor_version_change", args=[version.pk]),
    )


def replay_for(request: HttpRequest, version: Version, last: int) -> Job:
    """The job of a version's replay: a new one, unless one waits or runs already. The user gets a message."""
    asked = Job.objects.unfinished().filter(kind=jobs.REPLAY, model=version.model)
    job = asked.filter(arguments__version=version.number).order_by("-id").first()
    if job is not None:
        messages.info(request, gettext("A replay by {version} waits or runs already.").format(version=version))
        return job
    arguments: dict[str, Any] = {"version": version.number, "last": last}
    job = jobs.enqueue(jobs.REPLAY, by=request.user.get_username(), model=version.model, arguments=arguments)
    messages.success(request, gettext("A worker will replay predictions by {version}.").format(version=version))
    return job


def show_newest_replay(version: Version) -> SafeString | str:
    """What the newest replay by a version found, with a link to the whole."""
    replay = Replay.objects.filter(version=version).first()
    if replay is None:
        return MISSING
    written = write_replay(replay.parsed_result, version.parsed_schema)
    sentence = gettext("answers that change: {changed} of {rows}").format(changed=written.changed, rows=written.rows)
    return format_html('{}: <a href="{}">{}</a>', show_moment(replay.recorded_at), make_address(version), sentence)


def make_address(version: Version) -> str:
    """The page that shows the newest replay by a version."""
    return f"{reverse('compare', args=[version.model])}?new={version.number}#replay"
