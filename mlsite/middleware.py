import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware

from mlsite.turns import answer_in_turn, is_sign_in

# How seldom the use of a session is written down, so that reading pages seldom writes to the database.
SECONDS_BETWEEN_RENEWALS = 10 * 60


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Send the policy with every page that has none of its own. Django itself does so from version 6 on.

    Where a view names `embed_origins` of its request, these may frame what it answers.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        policy = settings.CONTENT_SECURITY_POLICY
        if origins := getattr(request, "embed_origins", ()):
            policy = policy.replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(origins)}")
            # It cannot name origins, and browsers follow the policy instead.
            del response.headers["X-Frame-Options"]
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return middleware


class SlashMiddleware(CommonMiddleware):
    """Adds the slash that an address lacks, and the length of a page.

    Django's own also checks the Host again, which mlsite.proxies has done, for all but health checks.
    """

    def process_request(self, request: HttpRequest) -> None:
        return None


# Calls their hooks itself. Checked with Django 5.2.19 (tests/test_insides.py).
class StaffMiddleware(SessionMiddleware, AuthenticationMiddleware, MessageMiddleware):
    """Sessions, accounts and messages: for the admin, and on other pages for users who have signed in there.

    A visitor's request has none of them. It is one class, since each layer of middleware costs time for every page.
    """

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith("/admin/") or is_sign_in(request):
            return answer_in_turn(request, super().__call__)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            return super().__call__(request)
        return self.get_response(request)

    def process_request(self, request: HttpRequest) -> None:
        SessionMiddleware.process_request(self, request)
        AuthenticationMiddleware.process_request(self, request)
        MessageMiddleware.process_request(self, request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = MessageMiddleware.process_response(self, request, response)
        is_changed = request.session.modified
        if response.status_code < 500:  # Otherwise the session itself may be what could not be read.
            renew(request.session)
        try:
            return SessionMiddleware.process_response(self, request, response)
        except SessionInterrupted:
            # It could not be written: the database is read-only during a failover, or the user has just signed out.
            if is_changed:
                raise
            return response


def renew(session: SessionBase) -> None:
    """Let a session in which a user is signed in end a day after this use of it.

    A response that did not read the session, such as a figure that caches may keep, gets no cookie by this.
    """
    if (
        session.accessed
        and SESSION_KEY in session
        and time.time() - session.get("used_at", 0) > SECONDS_BETWEEN_RENEWALS
    ):
        session["used_at"] = int(time.time())
