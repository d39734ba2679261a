"""The page of a job that scores a file: how far it is, what came of it, and its downloads."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from predictor import jobs
from predictor.models import Job, KeptFile, Version
from predictor.serving.service import service
from predictor.web.file_pages.keeping import name_maker
from predictor.web.file_pages.row_errors import list_errors
from predictor.web.file_pages.uploading import go_on, with_files
from predictor.web.pages import render_page


@never_cache
@require_safe
@with_files
def show_job(request: HttpRequest, slug: str, id: UUID) -> HttpResponse:
    """How far the job is, or its result; htmx asks for the page again and again until it is over."""
    return render_job(request, find_job(slug, id))


def render_job(request: HttpRequest, job: Job, problem: str = "", status: int = 200) -> HttpResponse:
    """The page; `problem` is why a download failed."""
    slug, version = job.model, Version.objects.find_live(job.model)
    if version is None:
        raise Http404(f"There is no model {slug!r}.")
    result: dict[str, Any] = job.result or {}
    workbook = find_workbook(job) if result else None
    file = find_file(job.arguments.get("file"))
    context = {
        "models": service.list_live(),
        "slug": slug,
        "version": version,
        "job": job,
        "address": reverse("file_job", args=[slug, job.public_id]),
        "file": file,
        "again": reverse("file_preview", args=[slug, file.pk]) if file else "",
        "result": result,
        "kept": find_file(result.get("file")),
        "workbook": workbook,
        "has_workbook": bool(workbook and find_file((workbook.result or {}).get("file"))),
        "is_written": workbook is not None and not workbook.is_finished,
        "problem": problem,
        "is_polled": not job.is_finished or (workbook is not None and not workbook.is_finished),
        "percent": int(100 * job.done / job.total) if job.total else 0,
        "errors": list_errors(job),
        "is_worker_alive": jobs.is_worker_alive(),
    }
    return render_page(request, "predictor/file_job.html", context, status)


@require_POST
@with_files
def cancel_job(request: HttpRequest, slug: str, id: UUID) -> HttpResponse:
    jobs.cancel(find_job(slug, id), by=name_maker(request))
    return go_on(request, reverse("file_job", args=[slug, id]))


def find_job(slug: str, id: UUID) -> Job:
    """A job that scores a file for this model. Raises Http404."""
    job = Job.objects.filter(kind=jobs.SCORE, model=slug, public_id=id).first()
    if job is None:
        raise Http404(f"There is no file of {slug!r} under {id}.")
    return job


def find_workbook(job: Job) -> Job | None:
    """The newest job that writes the result of another one as a workbook."""
    asked = Job.objects.filter(kind=jobs.WRITE, model=job.model, arguments__job=str(job.public_id))
    return asked.order_by("-id").first()


def find_file(id: str | None) -> KeptFile | None:
    return KeptFile.objects.filter(pk=id, is_whole=True).first() if id else None
