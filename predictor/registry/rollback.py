"""Finds the version that was live before, in the log of promotions, and makes it live again."""

from django.db import transaction

from predictor.exceptions import ArtifactError, NothingToRollBack
from predictor.models import Promotion
from predictor.registry.versions import append_promotion, lock_registry, refuse_retired, verify_servable


def roll_back(model: str, *, by: str, reason: str) -> Promotion:
    """Go back to the version that was live before: each call goes back one step in the log.

    Raises NothingToRollBack at the log's beginning, ArtifactError when this build could not load that version, and
    ModelRetired; each changes nothing.
    """
    with transaction.atomic(durable=True):
        lock_registry()
        log = Promotion.objects.filter(version__model=model).select_related("version", "restores__version")
        newest = log.order_by("-id").first()
        before = newest and log.filter(id__lt=newest.origin.id).order_by("-id").first()
        if newest is None:
            raise NothingToRollBack("none of its versions was ever live")
        refuse_retired(newest.version)
        if before is None:
            raise NothingToRollBack("it has no promotion before the live one")
        target = before.origin
        try:
            verify_servable(target.version)
        except ArtifactError as error:
            hint = "promote an older one with `manage.py promote`"
            raise ArtifactError(f"{target.version} was live before, but {error}; {hint}") from error
        return append_promotion(target.version, by=by, reason=reason, restores=target)
