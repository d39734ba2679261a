"""Who sends a request to the API, and what that is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from predictor.access.keys import Key, Scope, keys
from predictor.access.rights import find_models
from predictor.exceptions import MlsiteError
from predictor.models import Site

__all__ = ["ANYBODY", "Caller", "Forbidden", "Scope", "Unauthorized", "identify", "needs_key", "sends_key"]

BEARER = "bearer "
HOW = (
    "Send one as `Authorization: Bearer mlsite_…`. Whoever runs this site makes keys with `manage.py createkey`, or in"
    " the admin."
)
# What a signed-in user needs; anybody who is signed in may predict.
PERMISSIONS: Mapping[Scope, str] = {Scope.READ: "predictor.view_prediction", Scope.OUTCOME: "predictor.add_outcome"}


class Unauthorized(MlsiteError):
    """A request needs an API key; its text says how to get one."""

    def __init__(self, problem: str = "This needs an API key.") -> None:
        super().__init__(f"{problem} {HOW}")


class Forbidden(MlsiteError):
    """A key lacks a scope or a model, or a user a permission; its text names it."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who sends a request: the owner of a key, a signed-in user, or nobody who is known."""

    key: Key | None = None
    user: AbstractBaseUser | None = None

    def __str__(self) -> str:
        return f"the key {self.key.name!r}" if self.key else str(self.user or "nobody")

    @property
    def is_known(self) -> bool:
        return self.key is not None or self.user is not None

    @property
    def models(self) -> frozenset[str] | None:
        """The slugs of the models that it may see; None for all, also for nobody who is known."""
        if self.key is not None:
            return self.key.models
        return None if self.user is None else find_models(self.user)

    def require_known(self) -> None:
        """Raise Unauthorized without a key and a signed-in user."""
        if not self.is_known:
            raise Unauthorized

    def require(self, scope: Scope, model: str | None = None) -> None:
        """Raise Unauthorized for nobody who is known, and Forbidden for a missing scope, permission or model."""
        self.require_known()
        if self.key is not None and scope not in self.key.scopes:
            raise Forbidden(f"The API key {self.key.name!r} does not have the scope {scope.value!r}.")
        if self.key is None and not self._has_permission(scope):
            raise Forbidden(f"Your account does not have the permission {PERMISSIONS[scope]!r}.")
        if model is not None:
            self.require_model(model)

    def require_model(self, model: str) -> None:
        """Raise Forbidden for a model that it may not see."""
        models = self.models
        if models is not None and model not in models:
            of = f"The API key {self.key.name!r}" if self.key else "Your account"
            raise Forbidden(f"{of} is not for the model {model!r}.")

    def _has_permission(self, scope: Scope) -> bool:
        user: Any = self.user
        return scope not in PERMISSIONS or bool(user.has_perm(PERMISSIONS[scope]))


ANYBODY = Caller()


def identify(request: HttpRequest) -> Caller:
    """The owner of the key that was sent; else the session's user, where the request's session was read.

    Raises Unauthorized for a key that is unknown, revoked or expired. Other kinds of Authorization belong to a proxy
    in front of the site, and are ignored.
    """
    if sends_key(request):
        key = keys.find(request.META["HTTP_AUTHORIZATION"][len(BEARER) :].strip())
        if key is None:
            raise Unauthorized("The API key is unknown, revoked or expired.")
        return Caller(key=key)
    user: Any = getattr(request, "user", None)
    return Caller(user=user) if user is not None and user.is_authenticated else ANYBODY


def sends_key(request: HttpRequest) -> bool:
    """Whether a request has a key, valid or not."""
    given: str = request.META.get("HTTP_AUTHORIZATION", "")
    return given[: len(BEARER)].lower() == BEARER


def needs_key() -> bool:
    """Whether predictions by the API need a key, or a signed-in user."""
    return (settings.API_ACCESS or read_api_access()) != "public"


@cache
def read_api_access() -> str:
    """What the database says where API_ACCESS does not: it was written when the site was set up, or upgraded."""
    return Site.objects.values_list("api_access", flat=True).first() or "keys"
