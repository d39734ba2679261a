"""Retires models and brings them back; versions and promotions stay as they are."""

from django.db import transaction

from predictor.exceptions import ModelNotFound
from predictor.models import Retirement, Version
from predictor.registry.versions import lock_registry


def retire(model: str, *, by: str, reason: str) -> Retirement | None:
    """End a model's predictions; None where it already is retired.

    Raises ModelNotFound where it has no version.
    """
    return _append_event(model, is_retired=True, by=by, reason=reason)


def bring_back(model: str, *, by: str, reason: str) -> Retirement | None:
    """Serve a retired model's live version again; None where it is not retired.

    Raises ModelNotFound where it has no version.
    """
    return _append_event(model, is_retired=False, by=by, reason=reason)


def _append_event(model: str, *, is_retired: bool, by: str, reason: str) -> Retirement | None:
    with transaction.atomic(durable=True):
        lock_registry()
        if not Version.objects.filter(model=model).exists():
            raise ModelNotFound(f"there is no version of {model!r}")
        if (Retirement.objects.find(model) is not None) == is_retired:
            return None
        return Retirement.objects.create(model=model, is_retired=is_retired, recorded_by=by, reason=reason)
