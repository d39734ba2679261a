"""What belongs to predictions: their outcomes, the reports of visitors, and whatever else names a prediction."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from predictor.models import Prediction


def list_related(ids: Collection[UUID]) -> list[QuerySet[Any]]:
    """The rows of each model that belong to these predictions."""
    return [_list_rows(relation, "in", ids) for relation in Prediction._meta.related_objects]


def list_owners_before(end: UUID, most: int) -> list[UUID]:
    """Up to so many predictions with smaller ids to which something belongs."""
    owners: set[UUID] = set()
    for relation in Prediction._meta.related_objects:
        rows = _list_rows(relation, "lt", end).order_by(relation.field.name)
        owners |= set(rows.values_list(relation.field.name, flat=True).distinct()[: most - len(owners)])
    return sorted(owners)


def delete_related(ids: Collection[UUID]) -> dict[type[Model], int]:
    """Delete what belongs to these predictions, and return how many rows of each model; within a transaction.

    Django's own delete() would refuse: corrections protect the outcome that they replace. The database checks all
    references at the end of the transaction.
    """
    return {rows.model: rows._raw_delete(rows.db) for rows in list_related(ids)}


def _list_rows(relation: Any, lookup: str, value: Any) -> QuerySet[Any]:
    rows: QuerySet[Any] = relation.related_model._base_manager.filter(**{f"{relation.field.name}__{lookup}": value})
    return rows
