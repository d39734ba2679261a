"""What is stored for a value that a filter gives: the choice that it names, or the date or time that it is."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from predictor.exceptions import InvalidValue
from predictor.history.filters import Filters, InputFilter
from predictor.models import Version
from predictor.schema.kinds import Feature
from predictor.schema.temporal import Date, Datetime, Time
from predictor.schema.translation import find_translation, read_translations
from predictor.schema.words import Words

# What of a schema has words, by the versions' ids.
Labels = dict[int, dict[str, dict[str, str]]]


def name_choices(filters: Filters, features: Mapping[str, Feature]) -> Filters:
    """The same filters, where words for a choice ask for its code too: predictions are stored with codes.

    The words are the recipe's, and those in the page's language. Dates and times are stored in ISO 8601, and asked for
    in any form that the newest version of the chosen model reads.
    """
    if not any(each.test == "is" for each in filters.inputs):
        return filters
    labels = read_labels(filters)
    inputs = (_name_choice(each, labels, features.get(each.feature)) for each in filters.inputs)
    return replace(filters, inputs=tuple(inputs))


def read_labels(filters: Filters) -> list[Labels]:
    """The recipe's words and, where a version has some in the page's language, those."""
    versions = Version.objects.filter(model=filters.model) if filters.model else Version.objects.all()
    # Not the features, which may be many.
    rows = versions.order_by().values_list("id", "schema__labels", "schema__translations")
    own: Labels = {}
    translated: Labels = {}
    for id, labels, translations in rows:
        own[id] = labels or {}
        translation = find_translation(read_translations({"translations": translations or {}}))
        translated[id] = translation.choices if translation else {}
    return [own, translated]


def _name_choice(asked: InputFilter, labels: list[Labels], feature: Feature | None) -> InputFilter:
    if asked.test != "is":
        return asked
    choices: dict[str, set[int]] = defaultdict(set)
    for by_version in labels:
        for id, named in by_version.items():
            code = Words((), named.get(asked.feature, {})).find_code(asked.value)
            if code is not None:
                choices[code].add(id)
    if isinstance(feature, Date | Datetime | Time):
        with suppress(InvalidValue):
            choices[str(feature.convert(asked.value))] |= labels[0].keys()
    return replace(asked, choices={code: tuple(sorted(ids)) for code, ids in choices.items()})
