"""Downloads of a scored file: CSV and Parquet at once, a workbook once a worker has written it."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from predictor import jobs
from predictor.exceptions import ExportError, Overloaded
from predictor.files.downloading import send_kept
from predictor.files.keeping import name_result
from predictor.files.result_download import Download
from predictor.history.exporting import FORMATS
from predictor.languages import gettext as _
from predictor.models import Job
from predictor.web.file_pages.jobs import find_file, find_job, find_workbook, render_job
from predictor.web.file_pages.keeping import name_maker
from predictor.web.file_pages.uploading import go_on, with_files

WORKBOOK = "xlsx"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@with_files
def show_result(request: HttpRequest, slug: str, id: UUID, format: str) -> HttpResponse | StreamingHttpResponse:
    """Send a result; a POST has a worker write it as a workbook."""
    job = find_job(slug, id)
    kept = find_file((job.result or {}).get("file"))
    if kept is None or format not in ("csv", "parquet", WORKBOOK):
        raise Http404("There is no such result.")
    if request.method == "POST":
        ask_for_workbook(job, by=name_maker(request))
        return go_on(request, reverse("file_job", args=[slug, id]))
    if format == WORKBOOK:
        return send_workbook(job)
    try:
        download = Download(id, format)
    except Overloaded:
        return render_job(request, job, _("Other results are being written: try again in a minute."), 503)
    except ExportError as error:
        return render_job(request, job, str(error), 503)
    return send(download, name_result(kept.name, format), format)


def ask_for_workbook(job: Job, *, by: str) -> None:
    """Have a worker write it, unless it is written or will be."""
    asked = find_workbook(job)
    if asked is None or asked.state in (Job.State.FAILED, Job.State.CANCELLED):
        jobs.enqueue(jobs.WRITE, by=by, model=job.model, arguments={"job": str(job.public_id), "format": WORKBOOK})


def send_workbook(job: Job) -> StreamingHttpResponse:
    asked = find_workbook(job)
    file = find_file((asked.result or {}).get("file")) if asked else None
    if file is None:
        raise Http404("No workbook was written.")
    return send_kept(file)


def send(download: Download, name: str, format: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": content_disposition_header(True, name) or "attachment"}  # Django's.
    if download.size is not None:
        headers["Content-Length"] = str(download.size)
    return StreamingHttpResponse(download, content_type=FORMATS[format][1], headers=headers)
