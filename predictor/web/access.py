"""Who may see which model on pages: everybody, or only users who have signed in and may see it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from predictor.access.rights import may_see
from predictor.exceptions import MlsiteError, ModelNotFound
from predictor.models import Version
from predictor.serving.service import service


class SignInNeeded(MlsiteError):
    """Nobody has signed in, and the address is that of a page which not everybody may see."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who has signed in, as the header says it; for a visitor, `next` is where to go on after signing in."""

    name: str = ""
    next: str = ""


def is_signed_in(request: HttpRequest) -> bool:
    """A visitor without a session has no user (StaffMiddleware)."""
    return hasattr(request, "user") and request.user.is_authenticated


def may_visit(request: HttpRequest, model: str) -> bool:
    return service.is_open(model) or (is_signed_in(request) and may_see(request.user, model))


def check_address(request: HttpRequest) -> None:
    """Raise what `check_access` does where an address names a model."""
    found = request.resolver_match
    slug = find_slug(found.url_name, found.kwargs) if found else None
    if slug:
        check_access(request, slug)


def find_slug(page: str | None, captured: Mapping[str, Any]) -> str | None:
    """The model that an address names, by its pattern's name and what that captured; None for that of a prediction.

    Embedded forms look for themselves: nobody signs in in a frame.
    """
    slug: str | None = settings.DEFAULT_MODEL if page == "default" else captured.get("slug")
    if page == "home" and not any(version.model == slug for version in service.list_live()):
        return None
    return None if (page or "").startswith("embed") else slug


def check_access(request: HttpRequest, model: str) -> None:
    """Raise SignInNeeded for visitors, and ModelNotFound for users without the right, where a model is not open."""
    if service.is_open(model):
        return
    close(request)
    if not is_signed_in(request):
        raise SignInNeeded(f"{model} needs a sign-in")
    if not may_see(request.user, model):
        raise ModelNotFound(f"there is no model {model!r}")


def close(request: HttpRequest) -> None:
    """Note that what is answered is not for everybody."""
    request.is_closed = True  # type: ignore[attr-defined]  # Read by `keep_private`.


def keep_private(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Let no cache give what not everybody may see to others, nor a browser after its user has signed out."""
    if getattr(request, "is_closed", False):
        response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Cookie"])
    return response


def hides_what_there_is(request: HttpRequest, error: Exception) -> bool:
    """Whether a page that was not found asks a visitor to sign in, as one does which is there and is not open."""
    found = request.resolver_match
    if not isinstance(error, Http404 | ModelNotFound) or service.are_all_open or is_signed_in(request) or found is None:
        return False
    if (found.url_name or "").startswith("embed"):
        return False
    slug = found.kwargs.get("slug")
    return not service.is_open(slug) if slug else "id" in found.kwargs


def list_visible(request: HttpRequest, models: Sequence[Version]) -> Sequence[Version]:
    """Those of some models that the visitor may see."""
    if service.are_all_open:
        return models
    return [version for version in models if may_visit(request, version.model)]


def find_account(request: HttpRequest) -> Account | None:
    """What the header says of the visitor's account; None where it says nothing, as everybody may see all models."""
    if service.are_all_open:
        return None
    if is_signed_in(request):
        return Account(name=request.user.get_username())
    if request.resolver_match is not None and request.resolver_match.url_name == "sign_in":
        return None  # It is the page itself.
    return Account(next=request.get_full_path() if request.method in ("GET", "HEAD") else "")


def describe_visitor(request: HttpRequest, context: Mapping[str, Any], status: int) -> dict[str, Any]:
    """The models of the menu, as far as the visitor may see them, and the account; where all is open, nothing."""
    if service.are_all_open:
        return {}
    if status >= 500:  # Who has signed in may be what could not be read.
        return {"models": ()}
    return {"models": list_visible(request, context.get("models", ())), "account": find_account(request)}
