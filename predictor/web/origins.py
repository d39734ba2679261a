"""Why a form could not be verified as one of this site's own."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.middleware.csrf import REASON_BAD_ORIGIN, REASON_NO_CSRF_COOKIE, REASON_NO_REFERER

from predictor.languages import gettext as _
from predictor.texts import make_printable

# The beginning of Django's reason, whose end names the origin. Checked with Django 5.2.19 (tests/test_insides.py).
BAD_ORIGIN = REASON_BAD_ORIGIN.partition("%s")[0]
# A scheme with the longest name in DNS and a port.
MOST_CHARACTERS = 270
BAD_REFERER = "Referer checking failed"
OTHER_TOKEN = "CSRF token from POST"  # noqa: S105  # The beginning of a sentence.


def is_only_old(reason: str) -> bool:
    """Whether a form of this site has the token of a former cookie, as after a sign-in in another tab."""
    return reason.startswith(OTHER_TOKEN)


def explain_csrf_failure(request: HttpRequest, reason: str) -> str:
    """The cause behind Django's reason, with what the visitor or the administrator does about it."""
    if reason.startswith(BAD_ORIGIN):
        return explain_origin(request, request.META["HTTP_ORIGIN"])
    if reason == REASON_NO_REFERER:
        return _(
            "Your browser sent neither an Origin nor a Referer header, so the form may come from another site."
            " Allow your browser or its extensions to send one of them, reload the form and send it again."
        )
    if reason.startswith(BAD_REFERER):
        return explain_origin(request, request.META.get("HTTP_REFERER", ""))
    if reason == REASON_NO_CSRF_COOKIE:
        return _(
            "Your browser did not send the cookie that came with the form: cookies are blocked, were deleted, or the"
            " site was updated meanwhile. Allow cookies, reload the form and send it again."
        )
    return _(
        "The form is older than the cookie that your browser has for this site. Reload the form and send it again."
    )


def explain_origin(request: HttpRequest, origin: str) -> str:
    """Why the site that a form came from, an origin or the URL of a page, does not count as this one."""
    if origin == "null":
        return _(
            "Your browser did not say which site the form came from (Origin: null), as in a frame, from a saved page or"
            " with strict privacy settings. Open the form itself in a tab of its own and send it again."
        )
    own = f"{request.scheme}://{request.get_host()}"
    try:
        given = urlsplit(origin)
    except ValueError:
        given = urlsplit("")
    sender = make_printable(f"{given.scheme}://{given.netloc}" if given.netloc else origin)[:MOST_CHARACTERS]
    if given.netloc == request.get_host() and given.scheme == "https":
        return _(
            "The form was sent from “{sender}”, but arrived as {own}: a proxy speaks HTTPS with your browser and"
            " plain HTTP with this site. The site's administrator names that proxy in FORWARDED_ALLOW_IPS, and lets it"
            " set X-Forwarded-Proto."
        ).format(sender=sender, own=own)
    if given.netloc == request.get_host():
        return _(
            "The form was opened over plain HTTP, but this site is {own}. Open the form there and send it again."
        ).format(own=own)
    return _(
        "The form was sent from “{sender}”, but this site is {own}. If both are the same site behind a proxy, its"
        " administrator lets the proxy pass the Host header on, or adds the first one to CSRF_TRUSTED_ORIGINS."
    ).format(sender=sender, own=own)
