"""The choices whose words a filter gives, as each version of a model has them."""

from collections import defaultdict
from dataclasses import replace

from predictor.history.filters import Filters, InputFilter
from predictor.models import Version
from predictor.schema.translation import find_translation, read_translations
from predictor.schema.words import Words

# What of a schema has words, by the versions' ids.
Labels = dict[int, dict[str, dict[str, str]]]


def name_choices(filters: Filters) -> Filters:
    """The same filters, where words for a choice ask for its code too: predictions are stored with codes.

    The words are the recipe's, and those in the page's language.
    """
    if not any(each.test == "is" for each in filters.inputs):
        return filters
    labels = read_labels(filters)
    return replace(filters, inputs=tuple(_name_choice(each, labels) for each in filters.inputs))


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


def _name_choice(asked: InputFilter, labels: list[Labels]) -> InputFilter:
    if asked.test != "is":
        return asked
    choices: dict[str, set[int]] = defaultdict(set)
    for by_version in labels:
        for id, named in by_version.items():
            code = Words((), named.get(asked.feature, {})).find_code(asked.value)
            if code is not None:
                choices[code].add(id)
    return replace(asked, choices={code: tuple(sorted(ids)) for code, ids in choices.items()})
