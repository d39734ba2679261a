"""The columns that the list of predictions has for the inputs of one model."""

from collections.abc import Callable

from django.contrib import admin

from predictor.models import Prediction, Version
from predictor.schema.kinds import Feature
from predictor.schema.schema import SLUG
from predictor.texts import shorten

MOST_COLUMNS = 4

Column = Callable[[Prediction], str]


def make_columns(model: str) -> list[Column]:
    """A column for each of the inputs that are most important for the live version; none for an unknown model."""
    live = Version.objects.find_live(model) if SLUG.fullmatch(model) else None
    if live is None:
        return []
    features = {feature.name: feature for feature in live.parsed_schema.features}
    measured = live.measured_importances
    ranked = sorted(measured.features, key=lambda each: -each.mean) if measured else ()
    names = [each.name for each in ranked] or list(features)
    return [make_column(features[name]) for name in names[:MOST_COLUMNS]]


def make_column(feature: Feature) -> Column:
    @admin.display(description=feature.label)
    def own_input(prediction: Prediction) -> str:
        return shorten(str(feature.write(prediction.inputs.get(feature.name))))

    return own_input
