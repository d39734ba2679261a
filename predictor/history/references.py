"""Predictions by the references that clients gave them."""

from collections.abc import Collection
from uuid import UUID

from predictor.models import Reference


def find_by_reference(model: str, references: Collection[str]) -> dict[str, UUID]:
    """The ids of a model's predictions by their references, without those that do not exist or were forgotten."""
    found = Reference.objects.filter(model=model, reference__in=references).exclude(prediction__output=None)
    return dict(found.values_list("reference", "prediction_id"))
