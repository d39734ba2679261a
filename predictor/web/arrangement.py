"""In which order and in which groups a form shows the features of a schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from predictor.models import Version
from predictor.record.layout import Layout
from predictor.schema.kinds import Feature
from predictor.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Group:
    """Features that belong together; the title is empty where the form has one group only."""

    title: str
    features: Sequence[Feature]


def find_importances(version: Version) -> dict[str, float]:
    """The stored importance of each feature, by its name; empty where none was measured."""
    measured = version.measured_importances
    return {each.name: each.mean for each in measured.features} if measured else {}


def arrange(schema: Schema, layout: Layout, importances: Mapping[str, float]) -> list[Group]:
    """The groups of a form, each beginning with its most important feature, and the groups by that feature.

    What the layout orders comes first. What is in no group comes last, unless there are no groups.
    """
    places = {name: place for place, name in enumerate(layout.order)}
    # Sorting keeps the schema's order among equals.
    ranked = sorted(
        schema.features,
        key=lambda each: (places.get(each.name, len(places)), -importances.get(each.name, 0.0)),
    )
    groups: dict[str, list[Feature]] = {}
    for feature in ranked:
        groups.setdefault(layout.groups.get(feature.name, ""), []).append(feature)
    untitled = groups.pop("", [])
    titled = [Group(title=title, features=features) for title, features in groups.items()]
    return [*titled, *([Group(title="", features=untitled)] if untitled else [])]
