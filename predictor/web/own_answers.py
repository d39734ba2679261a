"""The answers that a browser got last: a signed cookie lists their ids. Nothing of it is stored on the site."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from predictor.models import Prediction
from predictor.serving.service import service
from predictor.web.access import may_visit
from predictor.web.pages import SeeOther, render_page

MOST_ANSWERS = 20
SECONDS_KEPT = 30 * 24 * 3600
# Of the cookie; a flag is set by any text.
ATTRIBUTES = {"max-age": str(SECONDS_KEPT), "path": "/", "httponly": "true", "samesite": "Lax"}
BYTES_OF_AN_ID = 16
BYTES_OF_A_SIGNATURE = 16


def remember_answer(request: HttpRequest, response: HttpResponse, id: UUID) -> None:
    """Put a new answer in front of the browser's list, of which the oldest are dropped."""
    if not settings.OWN_HISTORY:
        return
    packed = (id.bytes + _read_packed(request))[: MOST_ANSWERS * BYTES_OF_AN_ID]
    # `set_cookie` also writes the date at which it expires, for browsers that no longer exist, and takes twice as long.
    response.cookies[settings.OWN_ANSWERS_COOKIE_NAME] = urlsafe_b64encode(_sign(packed) + packed).decode()
    secure = "true" if settings.SESSION_COOKIE_SECURE else ""
    response.cookies[settings.OWN_ANSWERS_COOKIE_NAME].update({**ATTRIBUTES, "secure": secure})


def read_ids(request: HttpRequest) -> list[UUID]:
    """The ids in the browser's cookie, newest first; none where it has no cookie that this site signed."""
    packed = _read_packed(request)
    starts = range(0, len(packed), BYTES_OF_AN_ID)
    return [UUID(bytes=packed[start : start + BYTES_OF_AN_ID]) for start in starts]


def _read_packed(request: HttpRequest) -> bytes:
    cookie = request.COOKIES.get(settings.OWN_ANSWERS_COOKIE_NAME)
    if not cookie:
        return b""
    try:
        signed = urlsafe_b64decode(cookie)
    except ValueError:
        return b""
    signature, packed = signed[:BYTES_OF_A_SIGNATURE], signed[BYTES_OF_A_SIGNATURE:]
    return packed if constant_time_compare(signature, _sign(packed)) else b""


def _sign(packed: bytes) -> bytes:
    return hmac.digest(_find_key(), packed, "sha256")[:BYTES_OF_A_SIGNATURE]


@cache
def _find_key() -> bytes:
    """A key of its own, from SECRET_KEY. Django's signer, which derives it anew, takes ten times as long."""
    return salted_hmac("mlsite.own_answers", "key", algorithm="sha256").digest()


def list_own_answers(request: HttpRequest) -> Sequence[Any]:
    """The predictions in the browser's cookie, newest first, as far as the visitor may see their models."""
    ids = read_ids(request) if settings.OWN_HISTORY else []
    found = Prediction.objects.select_related("version").in_bulk(ids) if ids else {}
    return [found[id] for id in ids if id in found and may_visit(request, found[id].version.model)]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_own_answers(request: HttpRequest) -> HttpResponse:
    """List the browser's last answers; a POST erases the list."""
    if not settings.OWN_HISTORY:
        raise Http404("No list of answers is kept here.")
    if request.method == "POST":
        response: HttpResponse = SeeOther(request.path)
        response.delete_cookie(settings.OWN_ANSWERS_COOKIE_NAME, samesite="Lax")
        return response
    context = {
        "models": service.list_live(),
        "slug": "",
        "answers": list_own_answers(request),
        "most": MOST_ANSWERS,
        "csrf_token": get_token(request),
    }
    return render_page(request, "predictor/own_answers.html", context)
