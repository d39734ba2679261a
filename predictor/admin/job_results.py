"""What came of a job, by its kind, as its row in the admin shows it."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from predictor import jobs
from predictor.admin.replaying import make_address
from predictor.formats import MISSING, format_number
from predictor.models import Job, Version
from predictor.record.job_step import SAME, translate_line
from predictor.record.written_monitoring import name_state


def show_result(job: Job) -> SafeString | str:
    """Its error, and what it has found or stored."""
    show = RESULTS.get(job.kind)
    shown = [show_error(job), show(job) if show and job.result else "", link_form(job)]
    return format_html_join(" ", "{}", ((each,) for each in shown if each)) or MISSING


def show_error(job: Job) -> SafeString:
    """Its error, of which what has no translation is marked as English."""
    sentence, detail = job.shown_error
    english = format_html('<span lang="en" dir="auto">{}</span>', detail) if detail else ""
    return format_html_join(" ", "{}", ((each,) for each in (sentence, english) if each))


def show_retrain(job: Job) -> SafeString | str:
    """What a retrain decided, with a link to its version."""
    result: dict[str, Any] = job.result or {}
    number: int = result.get("version") or 0  # None is registered under it.
    reason = result.get("reason", "")
    version = Version.objects.filter(model=job.model, number=number).only("model", "number", "decision").first()
    if version is None:
        shown = translate_line(reason, SAME)
        return format_html('<span lang="en" dir="auto">{}</span>', reason) if shown is None else shown
    name = gettext("version {number}").format(number=number)
    address = reverse("admin:predictor_version_change", args=[version.pk])
    state = gettext("live") if result.get("promoted") else gettext("kept back")
    return format_html(
        '<a href="{}">{}</a>, {}: <span dir="auto">{}</span>', address, name, state, version.shown_decision
    )


def show_export(job: Job) -> SafeString:
    rows = gettext("Predictions: {number}").format(number=format_number((job.result or {}).get("rows", 0)))
    return format_html("{}. {}", rows, link_file(job, gettext("Download")))


def show_score(job: Job) -> str:
    """How many rows a file has, and how many of them could not be answered."""
    result: dict[str, Any] = job.result or {}
    rows, refused = result.get("rows", 0), result.get("refused", 0)
    sentence = ngettext("{rows} row, with errors: {refused}", "{rows} rows, with errors: {refused}", rows)
    return sentence.format(rows=format_number(rows), refused=format_number(refused))


def show_outcomes(job: Job) -> SafeString:
    """How many rows of a file were accepted, and how many not, with a link to the report on each."""
    counts: dict[str, int] = (job.result or {}).get("counts", {})
    # In their own order: PostgreSQL has the keys of an object in another one.
    written = [f"{label}: {format_number(counts[name])}" for name, label in NAMES.items() if counts.get(name)]
    return format_html("{}. {}", ", ".join(written), link_file(job, gettext("Download the report")))


def link_file(job: Job, label: str) -> SafeString:
    """A link to the file that a job has made, as long as it is kept."""
    return format_html('<a href="{}">{}</a>', reverse("admin:predictor_job_file", args=[job.pk]), label)


def show_replay(job: Job) -> SafeString | str:
    """How many answers a version changes, with a link to the whole."""
    result: dict[str, Any] = job.result or {}
    version = Version.objects.filter(model=job.model, number=result["version"]).only("model", "number").first()
    sentence = gettext("answers that change: {changed} of {rows}")
    sentence = sentence.format(changed=format_number(result["changed"]), rows=format_number(result["rows"]))
    if version is None:
        return sentence
    name = gettext("version {number}").format(number=version.number)
    return format_html('{}: <a href="{}">{}</a>', name, make_address(version), sentence)


def show_draft(job: Job) -> SafeString:
    """A link to the step that follows."""
    address = reverse("admin:predictor_storedrecipe_draft", args=[job.public_id])
    return format_html('<a href="{}">{}</a>', address, gettext("Go on"))


def link_form(job: Job) -> SafeString | str:
    """A link to the form where the recipe of a training that failed is changed."""
    if job.kind != jobs.TRAIN or not job.error:
        return ""
    address = reverse("admin:predictor_storedrecipe_draft", args=[job.arguments["draft"]])
    return format_html('<a href="{}">{}</a>', address, gettext("Change the recipe"))


# The results of `outcomes.files`.
NAMES = {
    "accepted": _("accepted"),
    "unchanged": _("unchanged"),
    "unknown": _("unknown"),
    "malformed": _("malformed"),
    "conflicting": _("conflicting"),
}


def show_monitoring(job: Job) -> SafeString | str:
    """The state that was found, with a link to all figures, and what could not be announced."""
    result: dict[str, Any] = job.result or {}
    if "state" not in result:
        return MISSING
    address = reverse("admin:predictor_version_quality", args=[job.model])
    return format_html('<a href="{}">{}</a> {}', address, name_state(result["state"]), result.get("reason", ""))


RESULTS: dict[str, Callable[[Job], SafeString | str]] = {
    jobs.MONITOR: show_monitoring,
    jobs.RETRAIN: show_retrain,
    jobs.RETRAIN_ON_TABLE: show_retrain,
    jobs.REPLAY: show_replay,
    jobs.SCORE: show_score,
    jobs.EXPORT: show_export,
    jobs.OUTCOMES: show_outcomes,
    jobs.TRAIN: show_retrain,
    jobs.DRAFT: show_draft,
}
