"""The page on which a file is uploaded to have its rows scored."""

import math
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from predictor.access.addresses import find_address
from predictor.access.visitors import TooOften, count_upload
from predictor.exceptions import NoSpace, Overloaded
from predictor.files.keeping import read_files_kept
from predictor.files.previewing import MOST_XLSX_ROWS
from predictor.languages import gettext as _
from predictor.record.job_problem import JobProblem
from predictor.serving.runtime import Runtime
from predictor.serving.service import service
from predictor.web.file_pages.keeping import FileRefused, keep_table
from predictor.web.pages import SeeOther, render_page, wants_fragment
from predictor.web.waits import describe_wait

View = Callable[..., HttpResponseBase]


def with_files(view: View) -> View:
    """No page of files where the site does without them."""

    @wraps(view)
    def answer(request: HttpRequest, slug: str, **captured: Any) -> HttpResponseBase:
        if not settings.FILES:
            raise Http404("This site takes no files.")
        return view(request, slug, **captured)

    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@with_files
def show_upload(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form; for a POST, keep the file where it can be scored, and go on to what its first rows are like."""
    runtime = service.get_runtime(slug)
    if request.method != "POST":
        return render_upload(request, runtime)
    try:
        count_upload(find_address(request))
        table = keep_table(request, runtime)
    except FileRefused as error:
        return render_upload(request, runtime, error.sentence, error.detail)
    except TooOften as error:
        problem = _("Too many files come from your network address.")
        response = render_upload(request, runtime, f"{problem} {describe_wait(error.seconds)}", status=429)
        response["Retry-After"] = error.seconds
        return response
    except NoSpace as error:
        return render_upload(request, runtime, describe_no_space(error), status=507)
    except Overloaded:
        return render_upload(request, runtime, _("Other files are being read: try again in a minute."), status=503)
    return go_on(request, reverse("file_preview", args=[slug, table.pk]))


def go_on(request: HttpRequest, address: str) -> HttpResponse:
    """To another page; htmx would put a redirect's page into the open one."""
    if not wants_fragment(request):
        return SeeOther(address)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return response


def describe_no_space(error: NoSpace) -> str:
    return str(JobProblem(code="no_space", values={"needed": error.needed, "free": error.free}))


def render_upload(
    request: HttpRequest, runtime: Runtime, problem: str = "", detail: str = "", status: int = 422
) -> HttpResponse:
    """The form, with what is wrong with the file that was sent."""
    version, features = runtime.version, runtime.schema.translated.features
    context = {
        "models": service.list_live(),
        "slug": version.model,
        "version": version,
        "problem": problem,
        "detail": detail,
        "most_megabytes": settings.UPLOAD_MAX_MB,
        "most_bytes": settings.UPLOAD_MAX_BYTES,
        "most_xlsx_rows": MOST_XLSX_ROWS,
        "days": math.ceil(read_files_kept() / timedelta(days=1)),
        "needed": [feature for feature in features if feature.required],
        "optional": [feature for feature in features if not feature.required],
    }
    response = render_page(request, "predictor/file.html", context, status if problem else 200)
    if wants_fragment(request):
        response["HX-Retarget"], response["HX-Reswap"] = "#main", "innerHTML show:window:top"
    return response
