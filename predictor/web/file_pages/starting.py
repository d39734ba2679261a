"""What an uploaded file's first rows are like, and the button that has all of it scored."""

from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from predictor import jobs
from predictor.exceptions import NoSpace
from predictor.files.keeping import check_space
from predictor.formats import format_size
from predictor.models import FileToScore, Job
from predictor.serving.runtime import Runtime
from predictor.serving.service import service
from predictor.web.file_pages.keeping import estimate, find_table, name_maker
from predictor.web.file_pages.row_errors import describe_problem
from predictor.web.file_pages.uploading import describe_no_space, go_on, with_files
from predictor.web.pages import render_page

GIVEN_UP = (Job.State.FAILED, Job.State.CANCELLED)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@with_files
def show_preview(request: HttpRequest, slug: str, id: UUID) -> HttpResponse:
    """Show the columns and the first problems; for a POST, have a worker score the file, and go on to its job."""
    table, runtime = find_table(slug, id), service.get_runtime(slug)
    if table is None:
        raise Http404("There is no such file.")
    if request.method == "POST":
        try:
            job = start(
                table,
                estimate(table, runtime.schema).result,
                history=bool(request.POST.get("history")),
                by=name_maker(request),
            )
        except NoSpace as error:
            return _render(request, table, runtime, describe_no_space(error), 507)
        return go_on(request, reverse("file_job", args=[slug, job.public_id]))
    return _render(request, table, runtime)


def start(table: FileToScore, needed: int, *, history: bool, by: str) -> Job:
    """The job that scores a table: one, however often it is asked for. Raises NoSpace for the bytes of its result."""
    with transaction.atomic():
        locked = FileToScore.objects.select_for_update().get(pk=table.pk)
        if locked.job is not None and locked.job.state not in GIVEN_UP:
            return locked.job
        check_space(needed)
        locked.job = jobs.enqueue_scoring(table.file, model=table.version.model, history=history, by=by)
        locked.save(update_fields=["job"])
    return locked.job


def _render(
    request: HttpRequest, table: FileToScore, runtime: Runtime, problem: str = "", status: int = 200
) -> HttpResponse:
    preview, schema = table.parsed_preview, runtime.schema.translated
    space = estimate(table, schema)
    context = {
        "models": service.list_live(),
        "slug": runtime.version.model,
        "version": runtime.version,
        "table": table,
        "preview": preview,
        "columns": [(each, schema.by_name.get(each.name)) for each in preview.columns],
        "missing": [schema.by_name[name] for name in preview.missing if name in schema.by_name],
        "problems": [describe_problem(schema, each) for each in preview.problems],
        "file_size": format_size(space.file),
        "result_size": format_size(space.result),
        "history_size": format_size(space.history),
        "has_other_version": table.version_id != runtime.version.id,
        "job": table.job,
        "address": request.path,
        "job_address": reverse("file_job", args=[runtime.version.model, table.job.public_id]) if table.job else "",
        "is_worker_alive": jobs.is_worker_alive(),
        "problem": problem,
    }
    return render_page(request, "predictor/file_preview.html", context, status)
