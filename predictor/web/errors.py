"""The one place that turns errors into HTTP responses, each a page in the site's own design."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from predictor.access.visitors import TooOften
from predictor.api_paths import is_api
from predictor.exceptions import ModelNotFound, ModelNotReady, ModelRetired, PredictionForgotten
from predictor.languages import gettext as _
from predictor.models import Version
from predictor.moments import write_moment
from predictor.serving.outages import SECONDS_TO_WAIT, find_outage
from predictor.serving.runtime import Runtime
from predictor.serving.service import service
from predictor.upload_paths import is_upload
from predictor.web.access import SignInNeeded, check_address, find_slug, hides_what_there_is, keep_private
from predictor.web.bounds import TooMuch, check_form, check_headers, make_too_large
from predictor.web.file_pages.bodies import read_upload
from predictor.web.file_pages.uploading import render_upload
from predictor.web.origins import explain_csrf_failure, is_only_old
from predictor.web.pages import render_page, wants_fragment
from predictor.web.sign_in import ask_to_sign_in
from predictor.web.views import show_invalid_form
from predictor.web.waits import describe_wait

# Of a model.
FORM_PAGES = ("default", "home", "model")


class ErrorPagesMiddleware:
    """Refuses requests that are too large before they are parsed, and renders a page for what views raise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            check_headers(request)
        except TooMuch as excess:
            return show_excess(request, excess)
        return keep_private(request, self.get_response(request))

    def process_view(
        self, request: HttpRequest, view: Any, arguments: list[Any], captured: dict[str, Any]
    ) -> HttpResponse | None:
        """Check who may see a page, and a form before CsrfViewMiddleware parses it to find the token."""
        if is_api(request.path_info):
            return None
        found = request.resolver_match
        try:
            if not request.path_info.startswith("/admin/"):
                check_address(request)
            if request.method == "POST" and is_upload(request.path_info):
                read_upload(request)
            elif request.method == "POST":
                check_form(request, found.url_name if found else None, captured)
        except Exception as error:
            answer = self.process_exception(request, error)
            if answer is None:
                raise
            return answer
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, SignInNeeded) or hides_what_there_is(request, error):
            return ask_to_sign_in(request)
        if isinstance(error, TooMuch):
            return show_excess(request, error)
        if isinstance(error, ModelNotFound):
            return show_not_found(request, error, service.list_live())
        if isinstance(error, ModelRetired):
            return show_retired(request, error)
        if isinstance(error, PredictionForgotten):
            return show_forgotten(request)
        if isinstance(error, TooOften):
            return show_too_often(request, error)
        outage = find_outage(error)
        return show_unavailable(request, outage.message) if outage else None


def show_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return show_excess(request, make_too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
    return _render_error(request, 400, _("The request could not be read"), _("Go back and send it again."))


def show_csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What was typed in a model's form stays there where the form is only old: it is sent once more."""
    runtime = _find_form(request) if is_only_old(reason) else None
    if runtime is not None:
        old = _("The form is older than your browser's cookie for this site. What you typed is here: send it again.")
        return show_invalid_form(request, runtime, {"": old}, 403)
    return _render_error(request, 403, _("The form could not be verified"), explain_csrf_failure(request, reason))


def _find_form(request: HttpRequest) -> Runtime | None:
    """The model whose form was sent; None where it was another form, or where the model cannot predict."""
    found = request.resolver_match
    if found is None or found.url_name not in FORM_PAGES:
        return None
    return _find_usable(find_slug(found.url_name, found.kwargs))


def _find_usable(slug: str | None) -> Runtime | None:
    try:
        return service.get_runtime(slug) if slug else None
    except (ModelNotFound, ModelNotReady, ModelRetired):
        return None


def show_forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _render_error(request, 403, _("You have no permission for this"), _("Sign in with an account that has it."))


def show_not_found(request: HttpRequest, exception: Exception, models: Sequence[Version] = ()) -> HttpResponse:
    hint = _("No model and no prediction has this address. Check it for typing errors, or start from the home page.")
    return _render_error(request, 404, _("Page not found"), hint, {"models": models})


def show_retired(request: HttpRequest, retired: ModelRetired) -> HttpResponse:
    hint = _(
        "{model} was retired on {date}: it makes no new predictions."
        " Its versions and the predictions that it made stay."
    ).format(model=retired.title, date=write_moment(retired.since, "day"))
    links = {"models": service.list_live(), "slug": retired.model}
    response = _render_error(request, 410, _("This model is retired"), hint, links)
    response["Cache-Control"] = "no-cache"  # Caches may keep this status by themselves, but a model may come back.
    return response


def show_forgotten(request: HttpRequest) -> HttpResponse:
    hint = _("What was given, what was answered and what really happened are erased. Nobody can bring them back.")
    return _render_error(request, 410, _("This prediction is forgotten"), hint, {"models": service.list_live()})


def show_excess(request: HttpRequest, excess: TooMuch) -> HttpResponse:
    """For a file, at its field."""
    found = request.resolver_match
    is_file = found is not None and found.url_name == "file" and settings.FILES
    runtime = _find_usable(found.kwargs["slug"]) if found is not None and is_file else None
    if runtime is not None:
        return render_upload(request, runtime, excess.hint, status=excess.status)
    return _render_error(request, excess.status, excess.title, excess.hint)


def show_too_often(request: HttpRequest, error: TooOften) -> HttpResponse:
    response = _render_error(request, 429, _("Too many requests"), describe_wait(error.seconds))
    response["Retry-After"] = error.seconds
    return response


def show_server_error(request: HttpRequest) -> HttpResponse:
    hint = _("The error is on our side, and it was logged. Nothing was stored in part: you can send it again.")
    return _render_error(request, 500, _("Something went wrong"), hint)


def show_unavailable(request: HttpRequest, hint: str) -> HttpResponse:
    hint = _("{problem} Try again in a few seconds.").format(problem=hint)
    response = _render_error(request, 503, _("Temporarily unavailable"), hint)
    response["Retry-After"] = SECONDS_TO_WAIT
    return response


def _find_again(request: HttpRequest, status: int) -> str:
    """The address at which the visitor can try once more: the form that was sent, or the page that failed."""
    found = request.resolver_match
    has_form = found is not None and found.url_name in FORM_PAGES and status not in (404, 410)
    is_again = has_form if request.method == "POST" else status >= 500
    return request.get_full_path() if is_again else ""


def _render_error(
    request: HttpRequest, status: int, title: str, hint: str, links: Mapping[str, Any] | None = None
) -> HttpResponse:
    """`links` names the model whose page is linked (`slug`), and those of the menu (`models`)."""
    context = {"code": status, "title": title, "hint": hint, "again": _find_again(request, status), **(links or {})}
    response = render_page(request, "error.html", context, status)
    if wants_fragment(request):
        # Shown above the form, which keeps what was typed.
        response["HX-Retarget"], response["HX-Reswap"] = "#notice", "innerHTML show:window:top"
    return response
