"""The columns that the list of predictions has for the inputs of one model."""

from collections.abc import Sequence

from predictor.models import Version
from predictor.schema.kinds import Feature

MOST_COLUMNS = 4
# A model may have thousands of inputs, of which the list offers the most important.
MOST_OFFERED = 60


def list_offered(live: Version | None, chosen: Sequence[str] = ()) -> list[Feature]:
    """The inputs of a version, the most important first, and those that are chosen; none without a version."""
    if live is None:
        return []
    features = live.parsed_schema.by_name
    measured = live.measured_importances
    ranked = [each.name for each in sorted(measured.features, key=lambda each: -each.mean)] if measured else []
    names = [name for name in dict.fromkeys([*ranked, *features]) if name in features]
    return [features[name] for name in dict.fromkeys([*names[:MOST_OFFERED], *(n for n in chosen if n in features)])]


def choose_columns(offered: Sequence[Feature], chosen: Sequence[str] | None) -> list[Feature]:
    """The chosen ones in the order in which they are offered; for None, the most important."""
    if chosen is None:
        return list(offered[:MOST_COLUMNS])
    return [feature for feature in offered if feature.name in chosen]
