"""Who may read descriptions of models, and whether a signed-in user's request is one of this site's own pages."""

from typing import Any

import django.db
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from predictor.access.addresses import find_address
from predictor.access.callers import ANYBODY, Caller, Scope, identify, needs_key, sends_key
from predictor.api.bodies import Refused
from predictor.serving.service import service


class TokenCheck(CsrfViewMiddleware):
    """Django's check, whose refusal is a reason instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


token_check = TokenCheck(lambda request: HttpResponse())


def check_token(request: HttpRequest) -> None:
    """Raise Refused where a signed-in user's browser sends something that may come from another site."""
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise Refused(415, "unsupported_media_type", "A form is not taken here: send JSON.")
    reason = token_check.process_view(request, check_token, (), {})  # type: ignore[arg-type]  # It is only asked whether it is exempt.
    if reason:
        problem = (
            f"Signed-in users send the token of the cookie in the header X-CSRFToken ({reason}) Others send an API key."
        )
        raise Refused(403, "token_missing", problem)


def check_sight(caller: Caller, model: str | None) -> None:
    """Raise Unauthorized or Forbidden where they may not; without a model for a list, which leaves out others."""
    if not is_public() or (model is not None and not service.is_open(model)):
        caller.require_known()
    if model is not None:
        caller.require_model(model)


def may_see(caller: Caller, model: str) -> bool:
    if caller.models is not None:
        return model in caller.models
    return caller.is_known or service.is_open(model)


def needs_session(request: HttpRequest, model: str) -> bool:
    """Whether a signed-in user may be the one who asks a model that not everybody may ask."""
    if "HTTP_COOKIE" not in request.META or sends_key(request):
        return False
    try:
        return not service.is_free(model)
    except django.db.Error:
        return False  # The operation gets the same error, and answers it.


def check_prediction(request: HttpRequest, model: str) -> Caller:
    """Who asks for predictions; raises Unauthorized, Forbidden or Refused where that is not allowed.

    Where everybody may ask, nobody is identified, except by an Authorization that was sent all the same.
    """
    is_free = service.is_free(model)
    if is_free and "HTTP_AUTHORIZATION" not in request.META:
        return ANYBODY
    caller = identify(request)
    if caller.is_known or not is_free:
        caller.require(Scope.PREDICT, model)
    if caller.user is not None:
        check_token(request)
    return caller


def is_public() -> bool:
    return not needs_key()


def name_caller(request: Any) -> str:
    """Whom limits count: a key or a user, else the address."""
    caller: Caller = request.caller
    if caller.key is not None:
        return f"key {caller.key.id}"
    return f"user {caller.user.pk}" if caller.user is not None else find_address(request)
