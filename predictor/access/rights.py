"""Which models a signed-in user may see: in the admin, by the API and, where they need a sign-in, on pages."""

from typing import Any, TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet

from predictor.models import ModelRight

Rows = TypeVar("Rows", bound="QuerySet[Any]")


def find_models(user: AbstractBaseUser | AnonymousUser) -> frozenset[str] | None:
    """The models that a user may see; None for all: superusers, and users for whom none is chosen.

    It is read once for each user object, which lives as long as a request, as Django does with permissions.
    """
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    if getattr(user, "is_superuser", False):
        return None
    held: Any = user
    if not hasattr(held, "_models"):
        held._models = frozenset(ModelRight.objects.of_user(held.pk).values_list("model", flat=True)) or None
    found: frozenset[str] | None = held._models
    return found


def may_see(user: AbstractBaseUser | AnonymousUser, model: str) -> bool:
    models = find_models(user)
    return models is None or model in models


def limit(rows: Rows, user: AbstractBaseUser | AnonymousUser, field: str = "model") -> Rows:
    """The rows about models that a user may see; `field` has the model of each."""
    models = find_models(user)
    return rows if models is None else rows.filter(**{f"{field}__in": models})
