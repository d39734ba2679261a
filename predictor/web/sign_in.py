"""The site's own page to sign in, for users who need not be staff; after it, what was typed is there again."""

from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import Resolver404, get_script_prefix, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from predictor.access.sign_in_form import LimitedSignInForm, describe_wait
from predictor.languages import gettext as _
from predictor.schema.schema import RESERVED_NAMES
from predictor.serving.service import service
from predictor.upload_paths import is_upload
from predictor.web.access import check_access, close, find_slug, is_signed_in
from predictor.web.bounds import TooMuch, check_form
from predictor.web.jinja import make_url
from predictor.web.pages import SeeOther, render_page, wants_fragment
from predictor.web.pieces import LONGEST_LINK
from predictor.web.views import show_typed

# Of what was typed, written as a query; within a form, it takes up to three times as many.
MOST_TYPED = 150_000


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in, and go on to `next`, an address of this site."""
    given = request.POST if request.method == "POST" else request.GET
    next_page = choose_next(request, given.get("next", ""))
    if request.method != "POST":
        return redirect(next_page) if is_signed_in(request) else render_sign_in(request, next_page)
    typed = given.get("typed", "")
    form = LimitedSignInForm(request, request.POST)
    if form.is_valid():
        login(request, form.get_user())
        return go_on(request, next_page, typed)
    if form.retry_after:
        response = render_sign_in(request, next_page, typed, problem=describe_wait(form.retry_after), status=429)
        response["Retry-After"] = str(form.retry_after)
        return response
    problem = _("No account has this name and this password. Capitals and small letters matter.")
    return render_sign_in(request, next_page, typed, problem=problem, status=422)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, and go to the first page."""
    if hasattr(request, "user"):
        logout(request)
    return SeeOther(make_url("default"))


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Answer a request that needs a sign-in: with the page for it, which keeps what was typed."""
    close(request)
    # A file is not kept: it is chosen again.
    if request.method == "POST" and not is_upload(request.path_info):
        return _keep_typed(request)
    if request.META.get("HTTP_HX_REQUEST") == "true":
        # Part of a page, which goes on after the sign-in.
        return HttpResponse(status=204, headers={"HX-Redirect": make_address(find_page_of_part(request))})
    return redirect(make_address(request.get_full_path()))


def make_address(next_page: str) -> str:
    return f"{make_url('sign_in')}?{urlencode({'next': next_page})}"


def find_page_of_part(request: HttpRequest) -> str:
    """The page, as a path of this site, into which htmx puts what it asks for."""
    address = request.META.get("HTTP_HX_CURRENT_URL", "")
    own = f"{request.scheme}://{request.get_host()}/"
    return address[len(own) - 1 :] if address.startswith(own) else make_url("default")


def choose_next(request: HttpRequest, given: str) -> str:
    """The address to go on to; the first page for one of another site."""
    is_own = url_has_allowed_host_and_scheme(given, {request.get_host()}, require_https=request.is_secure())
    return given if is_own and given.startswith("/") else make_url("default")


def _keep_typed(request: HttpRequest) -> HttpResponse:
    found: Any = request.resolver_match
    try:
        check_form(request, found.url_name, found.kwargs)
        sent = [(name, text) for name, texts in request.POST.lists() for text in texts if name not in RESERVED_NAMES]
    except TooMuch:
        sent = []
    typed = urlencode(sent)
    notice = _("Nothing was stored: your session is over, or you have not signed in yet.")
    if typed and len(typed) <= MOST_TYPED:
        notice = f"{notice} {_('What you typed is there again after you have signed in.')}"
    else:
        typed = ""
    response = render_sign_in(request, find_page_of_form(request, typed), typed, notice=notice, status=403)
    if wants_fragment(request):
        response["HX-Retarget"], response["HX-Reswap"] = "#main", "innerHTML show:window:top"
    return response


def find_page_of_form(request: HttpRequest, typed: str) -> str:
    """The page whose form was sent: its own address, or that of the answer that it belongs to.

    What was typed as a trial and is too long for a link goes into the model's own form, which has the same inputs.
    """
    found: Any = request.resolver_match
    if found.url_name in ("outcome", "report"):
        return make_url("prediction", found.kwargs["id"])
    if found.url_name == "trial":
        try:
            page = make_url("try", UUID(request.GET.get("from", "")))
        except ValueError:
            page = ""
        return page if page and len(f"{page}?{typed}") <= LONGEST_LINK else make_url("model", found.kwargs["slug"])
    return request.path


def go_on(request: HttpRequest, next_page: str, typed: str) -> HttpResponse:
    """The page that the user came from, filled in again; shown here where that is too long for a link."""
    if not typed:
        return SeeOther(next_page)
    link = f"{next_page}?{typed}"
    if len(link) <= LONGEST_LINK:
        return SeeOther(link)
    try:
        found = resolve(f"/{urlsplit(next_page).path.removeprefix(get_script_prefix())}")
    except Resolver404:
        return SeeOther(next_page)
    slug = find_slug(found.url_name, found.kwargs)
    if not slug:
        return SeeOther(next_page)
    check_access(request, slug)
    return show_typed(request, service.get_runtime(slug), QueryDict(typed))


def render_sign_in(
    request: HttpRequest, next_page: str, typed: str = "", *, notice: str = "", problem: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "next": next_page,
        "typed": typed,
        "notice": notice,
        "problem": problem,
        "username": request.POST.get("username", "") if problem else "",
    }
    return render_page(request, "predictor/sign_in.html", context, status)
