"""An example of a model's inputs, for requests that are shown."""

from itertools import islice

from predictor.schema.kinds import Boolean, Category, Feature, Integer, Number
from predictor.schema.schema import Schema
from predictor.schema.temporal import Date, Datetime, Time
from predictor.schema.text import Text
from predictor.schema.values import Value


def choose_example(schema: Schema, most: int | None = None) -> dict[str, Value]:
    """Inputs of a typical case by name, as the API takes them; of the first `most` inputs where that is given."""
    return {feature.name: choose_value(feature) for feature in islice(schema.features, most)}


def choose_value(feature: Feature) -> Value:
    """A typical value; where none is known, a missing one or, of a required input, any that is valid."""
    if feature.typical is not None:
        return feature.typical
    match feature:
        case Text():
            return "…"
        case Boolean():
            return False
        case Category():
            return next(iter(feature.choices), None)
        case _ if not feature.required:
            return None
        case Number() | Integer():
            limits = (0, feature.minimum, feature.maximum)
            return next(int(each) for each in limits if each is not None and _is_within(feature, int(each)))
        case Date() | Datetime() | Time():
            return feature.decode(feature.minimum or feature.maximum or 0.0)


def _is_within(feature: Number | Integer, value: int) -> bool:
    low, high = feature.minimum, feature.maximum
    return (low is None or low <= value) and (high is None or value <= high)
