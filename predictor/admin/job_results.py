"""What came of a job, by its kind, as its row in the admin shows it."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor import jobs
from predictor.formats import MISSING
from predictor.models import Job, Version

KINDS = {
    "retrain": _("retrain"),
    "score": _("a file's predictions"),
    "monitor": _("monitoring"),
    "replay": _("replay"),
    "outcomes": _("a file's outcomes"),
    "export": _("export"),
    "train": _("first training"),
}


def show_result(job: Job) -> SafeString | str:
    """Its error, or what it has found or stored."""
    if job.error:
        return job.error
    show = RESULTS.get(job.kind)
    return show(job) if show and job.result else MISSING


def show_retrain(job: Job) -> SafeString | str:
    """What a retrain decided, with a link to its version."""
    result: dict[str, Any] = job.result or {}
    number: int = result.get("version") or 0  # None is registered under it.
    reason = result.get("reason", "")
    version = Version.objects.filter(model=job.model, number=number).only("model", "number").first()
    if version is None:
        return str(reason)
    name = gettext("version {number}").format(number=number)
    address = reverse("admin:predictor_version_change", args=[version.pk])
    state = gettext("live") if result.get("promoted") else gettext("kept back")
    return format_html('<a href="{}">{}</a>, {}: <span dir="auto">{}</span>', address, name, state, reason)


RESULTS: dict[str, Callable[[Job], SafeString | str]] = {jobs.RETRAIN: show_retrain}
