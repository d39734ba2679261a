"""What belongs to predictions: their outcomes, the reports of visitors, and whatever else names a prediction."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Model

from predictor.models import Prediction


def list_related_models() -> list[type[Model]]:
    """The models whose rows name a prediction."""
    return [relation.related_model for relation in Prediction._meta.related_objects]


def delete_related(ids: Collection[UUID]) -> dict[type[Model], int]:
    """Delete what belongs to these predictions, and return how many rows of each model; within a transaction.

    Django's own delete() would refuse: corrections protect the outcome that they replace. The database checks all
    references at the end of the transaction.
    """
    deleted: dict[type[Model], int] = {}
    for relation in Prediction._meta.related_objects:
        rows = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": ids})
        deleted[relation.related_model] = rows._raw_delete(rows.db)
    return deleted
