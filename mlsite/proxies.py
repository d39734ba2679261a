"""Refuses requests that reached the site by a wrong address, and says which setting decides that.

A Host that ALLOWED_HOSTS does not name, and plain HTTP where a redirect to HTTPS would not help.
"""

import logging
import re
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from predictor.api.bodies import Refused, write_refusal
from predictor.api.mlflow import write_error
from predictor.api_paths import INVOCATIONS, is_api
from predictor.texts import make_printable, quote

logger = logging.getLogger(__name__)

# The longest name in DNS.
MOST_HOST_CHARACTERS = 253
# Hosts of a wildcard such as .example.com are without end.
MOST_KNOWN_HOSTS = 100
# What a trusted proxy says for HTTPS, as gunicorn reads it (its setting secure_scheme_headers).
SECURE_HEADERS = {
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_PROTOCOL": "ssl",
    "HTTP_X_FORWARDED_SSL": "on",
}
PORT = re.compile(r":\d{1,5}$")


def check_address(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer a request to a wrong address with one refusal and one line in the log; health checks may use any."""
    # Host headers that were allowed: to check one takes longer than all else here.
    known: set[str | None] = set()

    def middleware(request: HttpRequest) -> HttpResponse:
        host = request.META.get("HTTP_HOST")
        if host in known and (request.is_secure() or not settings.SECURE_SSL_REDIRECT):
            return get_response(request)
        if request.path_info not in settings.HEALTH_PATHS:
            try:
                request.get_host()
            except DisallowedHost:
                return refuse_host(request)
            if host and len(known) < MOST_KNOWN_HOSTS:
                known.add(host)
            if settings.SECURE_SSL_REDIRECT and not request.is_secure():
                if any(request.META.get(name) == value for name, value in SECURE_HEADERS.items()):
                    return refuse_proxy(request)
                if "https" in request.META.get("HTTP_X_FORWARDED_PROTO", "").lower():
                    return refuse_scheme(request)
                if is_api(request.path_info):
                    return refuse_plain_http(request)
        return get_response(request)

    return middleware


def refuse_host(request: HttpRequest) -> HttpResponse:
    given = PORT.sub("", request.META.get("HTTP_HOST", ""))
    host = f"“{make_printable(given[:MOST_HOST_CHARACTERS])}”"
    logger.warning("refused: the Host header is %s, which ALLOWED_HOSTS does not name", host)
    hint = f"This site does not serve the host {host}. If it should, its administrator adds it to ALLOWED_HOSTS."
    return refuse(request, 400, "host_not_allowed", "Unknown host", hint)


def refuse_proxy(request: HttpRequest) -> HttpResponse:
    """Where redirects would never end: the proxy says that its client used HTTPS, but it is not trusted."""
    peer = request.META.get("REMOTE_ADDR", "")
    logger.warning("refused: %s forwards a request over HTTPS, but FORWARDED_ALLOW_IPS does not name it", quote(peer))
    hint = (
        "A proxy in front of this site forwards requests over HTTPS, but the site does not trust it."
        " Its administrator adds the proxy's address, which is in the log, to FORWARDED_ALLOW_IPS."
    )
    return refuse(request, 403, "proxy_not_trusted", "The proxy is not trusted", hint)


def refuse_scheme(request: HttpRequest) -> HttpResponse:
    """Where redirects would never end as well: gunicorn understands one scheme, and no list."""
    scheme = quote(request.META["HTTP_X_FORWARDED_PROTO"])
    logger.warning("refused: X-Forwarded-Proto is %s, and must be https alone", scheme)
    hint = (
        f"A proxy in front of this site sets X-Forwarded-Proto to {scheme}."
        " Its administrator lets the last proxy replace the header by https, and not extend it."
    )
    return refuse(request, 403, "scheme_not_understood", "The proxy's X-Forwarded-Proto is not understood", hint)


def refuse_plain_http(request: HttpRequest) -> HttpResponse:
    logger.warning("refused: %s came over plain HTTP", quote(request.path_info))
    hint = (
        "The request came over plain HTTP, and nothing was predicted: send it to https://."
        " If you did, the proxy in front of this site does not set X-Forwarded-Proto."
    )
    return refuse(request, 403, "https_required", "HTTPS is required", hint)


def refuse(request: HttpRequest, status: int, code: str, title: str, hint: str) -> HttpResponse:
    """As JSON to the API, else as plain text: a page's own styles would be refused, too. Django logs no second line."""
    if is_api(request.path_info):
        write = write_error if request.path_info == INVOCATIONS else write_refusal
        response = write(Refused(status, code, hint))
    else:
        text = f"{title}. {hint}\n"
        headers = {"Content-Length": str(len(text.encode()))}
        response = HttpResponse(text, content_type="text/plain; charset=utf-8", status=status, headers=headers)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response._has_been_logged = True  # type: ignore[attr-defined]  # Checked with Django 5.2.19 (tests/test_insides.py).
    return response
