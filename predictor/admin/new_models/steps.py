"""The steps as pages; a step's state is its job, so that each page can be loaded again and come back to."""

import tomllib
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from predictor import jobs
from predictor.admin.asking import ask
from predictor.admin.job_results import show_error
from predictor.admin.live import is_by_htmx, load_again
from predictor.admin.new_models.recipe_form import RecipeForm, read_bounds
from predictor.admin.new_models.table_form import TableForm
from predictor.admin.new_models.target_form import TargetForm
from predictor.admin.new_models.upload_form import UploadForm
from predictor.admin.retraining import describe_missing_worker
from predictor.exceptions import NoSpace
from predictor.files.uploading import keep_upload
from predictor.formats import format_number
from predictor.models import Job, KeptFile, StoredRecipe

FOLDER = "admin/predictor/storedrecipe"


def may_make(request: HttpRequest) -> bool:
    """Whether a user may make models: superusers, where the site has it on."""
    return bool(settings.MODELS_FROM_UPLOADS and request.user.is_active and request.user.is_superuser)


def show_upload(request: HttpRequest) -> HttpResponse:
    """Ask for a name and a table, keep the table for a while, and have a worker look into it."""
    _check_right(request)
    form = UploadForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if request.method == "POST" and form.is_valid():
        try:
            file = keep_upload(form.cleaned_data["table"], by=request.user.get_username())
            return _go_to(_enqueue_draft(request, form.cleaned_data["slug"], {"file": str(file.pk)}))
        except NoSpace as error:
            form.add_error("table", str(error))
    return _render(request, "upload", gettext("New model from a table"), form=form, button_label=gettext("Upload"))


def show_draft(request: HttpRequest, id: UUID) -> HttpResponse:
    """How far a look into a table is, or what came of it: the columns to choose from, or the proposed recipe."""
    _check_right(request)
    job = get_object_or_404(Job, kind=jobs.DRAFT, public_id=id)
    if not job.is_finished:
        return _show_waiting(request, job)
    if is_by_htmx(request):
        return load_again()
    if not KeptFile.objects.filter(pk=job.arguments["file"], is_whole=True).exists():
        return _show_failed(request, job, gettext("The table is no longer kept: upload it again."))
    if job.result is None:
        return _show_failed(request, job, show_error(job) or gettext("It was cancelled."), _find_choice(job))
    return _ask_target(request, job) if "target" not in job.arguments else _ask_recipe(request, job)


def change_recipe(request: HttpRequest, number: int) -> HttpResponse:
    """Ask by which of the model's tables a recipe is changed, and then have a worker look into that one."""
    _check_right(request)
    row = get_object_or_404(StoredRecipe.objects.select_related("data_version"), pk=number, handed_over_at=None)
    form = TableForm(row, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        content = tomllib.loads(row.toml)
        arguments = {"file": str(form.cleaned_data["data_version"].file_id), "target": content["target"]}
        return _go_to(_enqueue_draft(request, row.model, {**arguments, "content": content}))
    return ask(
        request,
        StoredRecipe._meta,
        title=gettext("Change the recipe of {model}").format(model=row.model),
        sentence=gettext("A worker looks into its table again, and the form opens with the recipe as it is."),
        form=form,
        button_label=gettext("Change the recipe"),
        back=reverse("admin:predictor_storedrecipe_change", args=[row.pk]),
        back_label=row.model,
    )


def _check_right(request: HttpRequest) -> None:
    if not may_make(request):
        raise PermissionDenied


def _enqueue_draft(request: HttpRequest, slug: str, arguments: dict[str, Any]) -> Job:
    """A look into a table: the one that waits, runs or is done for the same, or a new one."""
    same = Job.objects.filter(kind=jobs.DRAFT, model=slug, arguments=arguments)
    found = same.exclude(state__in=[Job.State.FAILED, Job.State.CANCELLED]).order_by("-id").first()
    return found or jobs.enqueue(jobs.DRAFT, by=request.user.get_username(), model=slug, arguments=arguments)


def _go_to(job: Job) -> HttpResponseRedirect:
    return redirect("admin:predictor_storedrecipe_draft", job.public_id)


def _ask_target(request: HttpRequest, job: Job) -> HttpResponse:
    result: dict[str, Any] = job.result or {}
    form = TargetForm(result["columns"], request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _go_to(_enqueue_draft(request, job.model, {**job.arguments, "target": form.chosen}))
    rows = result["rows"]
    sentence = ngettext(
        "{rows} row. Which column is to be predicted?", "{rows} rows. Which column is to be predicted?", rows
    ).format(rows=format_number(rows))
    context = {"form": form, "sentence": sentence, "columns": zip(form["target"], result["columns"], strict=True)}
    title = gettext("New model {model}").format(model=job.model)
    return _render(request, "target", title, **context, button_label=gettext("Look for doubts"))


def _ask_recipe(request: HttpRequest, job: Job) -> HttpResponse:
    result: dict[str, Any] = job.result or {}
    trainings = Job.objects.filter(kind=jobs.TRAIN, model=job.model, arguments__draft=str(job.public_id))
    training = trainings.order_by("-id").first()
    content = (training or job).arguments.get("content") or result["content"]
    form = RecipeForm(result, content, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return redirect("admin:predictor_job_change", _enqueue_training(request, job, training, form).pk)
    context = {
        "form": form,
        "result": result,
        "sentence": _describe(result),
        "training": training,
        "training_sentence": _describe_training(training),
        "bounds": list_bounds(result),
        "labels": {
            "doubts": gettext("Doubts"),
            "measured": gettext("How the estimator was chosen"),
            "bounds": gettext("The parameters that there are"),
            "columns": gettext("Columns"),
            "target": gettext("Predicted"),
            "job": gettext("Its job"),
        },
    }
    title = gettext("New model {model}").format(model=job.model)
    return _render(request, "recipe", title, **context, button_label=gettext("Train"))


def list_bounds(proposal: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What each parameter may be, by the name of the estimator's class, in the current language."""
    written = {
        path: {key: bound.expected for key, bound in bounds.items()} for path, bounds in read_bounds(proposal).items()
    }
    found = written or proposal["bounds"]
    return [(path.rpartition(".")[2], sorted(bounds.items())) for path, bounds in found.items()]


def _enqueue_training(request: HttpRequest, job: Job, former: Job | None, form: RecipeForm) -> Job:
    """A training: the one that waits or runs already for the same draft, or a new one. The user gets a message."""
    if former is not None and not former.is_finished:
        messages.info(request, gettext("A training of {model} waits or runs already.").format(model=job.model))
        return former
    messages.success(request, gettext("A worker will train {model}.").format(model=job.model))
    arguments = {"file": job.arguments["file"], "draft": str(job.public_id), "content": form.make_content()}
    return jobs.enqueue(jobs.TRAIN, by=request.user.get_username(), model=job.model, arguments=arguments)


def _describe(result: dict[str, Any]) -> str:
    rows = result["rows"]
    sentence = ngettext("{rows} row. The target is {target}.", "{rows} rows. The target is {target}.", rows)
    return sentence.format(rows=format_number(rows), target=result["target"]["name"])


def _describe_training(training: Job | None) -> str:
    """What came of the last training by this form."""
    if training is None:
        return ""
    if not training.is_finished:
        return gettext("It is being trained.")
    return show_error(training) or gettext("It was trained: train it once more after a change.")


def _show_waiting(request: HttpRequest, job: Job) -> HttpResponse:
    title = gettext("New model {model}").format(model=job.model)
    context = {
        "job": job,
        "sentence": gettext("A worker looks into the table."),
        "again": gettext("Load this page again"),
        "waiting_sentence": describe_missing_worker(),
    }
    return _render(request, "_waiting" if is_by_htmx(request) else "waiting", title, **context)


def _find_choice(job: Job) -> Job | None:
    """The look into the same table in which a column was chosen; a recipe that is changed has its column."""
    if "target" not in job.arguments or "content" in job.arguments:
        return None
    same = {"kind": jobs.DRAFT, "model": job.model, "arguments": {"file": job.arguments["file"]}}
    return Job.objects.filter(state=Job.State.DONE, **same).order_by("-id").first()


def _show_failed(request: HttpRequest, job: Job, problem: str, choice: Job | None = None) -> HttpResponse:
    title = gettext("New model {model}").format(model=job.model)
    labels = {"again": gettext("Upload a table again"), "choose": gettext("Choose another column")}
    return _render(request, "failed", title, problem=problem, choice=choice, **labels)


def _render(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    shared = {**admin.site.each_context(request), "opts": StoredRecipe._meta, "title": title}
    return TemplateResponse(request, f"{FOLDER}/{template}.html", {**shared, **context})
