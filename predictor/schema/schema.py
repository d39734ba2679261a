"""The definition of a model's inputs: forms, API, CSV files and history all parse through it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import msgspec

from predictor.exceptions import InvalidInput, InvalidValue
from predictor.languages import get_language
from predictor.languages import gettext as _
from predictor.problems import SENTENCES, Problem, write_kind
from predictor.schema.kinds import Category, Feature, read_feature, write_feature, write_reading
from predictor.schema.table import Inputs, Table
from predictor.schema.target import Target
from predictor.schema.text import Text
from predictor.schema.translation import Translation, find_translation, read_translations
from predictor.schema.values import SHOWN_CHOICES, Value
from predictor.schema.warning import InputWarning
from predictor.texts import shorten

# A model's name, in its folder and its URLs.
SLUG = re.compile(r"[a-z][a-z0-9_]*")
# The first segments of our own URLs, and of the standard protocols that may join them.
RESERVED_SLUGS = frozenset(
    {"about", "admin", "api", "docs", "favicon", "health", "healthz", "invocations", "metrics"}
    | {"ping", "predictions", "readyz", "static", "v2", "version"}
)
# Pages that came later: a model that already had such a name keeps it.
TAKEN_SLUGS = frozenset({"models"})
# Django's forms send a token under this name.
RESERVED_NAMES = frozenset({"csrfmiddlewaretoken"})
MOST_UNKNOWN = 20


@dataclass(frozen=True, kw_only=True)
class Row:
    """One parsed input: its values by feature name, and the warnings about them."""

    values: dict[str, Value]
    warnings: list[InputWarning] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The features of a version in the order of its matrix's columns, and its target.

    `translations` are the recipe's words in other languages, by the language's code.
    """

    features: tuple[Feature, ...]
    target: Target
    translations: Mapping[str, Translation] = field(default_factory=dict)

    @cached_property
    def names(self) -> list[str]:
        return [feature.name for feature in self.features]

    @cached_property
    def by_name(self) -> dict[str, Feature]:
        return {feature.name: feature for feature in self.features}

    @cached_property
    def sensitive(self) -> dict[str, str]:
        """The features whose values are not stored: "hash" or "drop" by name."""
        return {feature.name: feature.sensitive for feature in self.features if feature.sensitive}

    def parse(self, raw: Mapping[str, object]) -> Row:
        """Parse one input by feature name.

        Raises InvalidInput, which names all fields that are missing, unknown or invalid.
        """
        problems = self.refuse_unknown(raw)
        values: dict[str, Value] = {}
        for feature in self.features:
            try:
                values[feature.name] = feature.parse(raw.get(feature.name))
            except InvalidValue as error:
                problems[feature.name] = error.problem
        if problems:
            raise InvalidInput(problems)
        found = (feature.find_warning(values[feature.name]) for feature in self.features)
        return Row(values=values, warnings=[warning for warning in found if warning])

    @property
    def translated(self) -> "Schema":
        """The same schema in the words for the page's language; itself where there are none."""
        translation = find_translation(self.translations) if self.translations else None
        if translation is None:
            return self
        code = get_language().code
        if code not in self._translated:
            self._translated[code] = Schema(
                features=tuple(map(translation.translate_feature, self.features)),
                target=translation.translate_target(self.target),
            )
        return self._translated[code]

    @cached_property
    def _translated(self) -> dict[str, "Schema"]:
        return {}

    def write_warnings(self, warnings: Iterable[InputWarning]) -> list[str]:
        """The sentences of warnings, in the current language. Raises KeyError for one about another schema's field."""
        return [_write_warning(self.by_name[warning.field], warning) for warning in warnings]

    def write_kind(self, name: str, code: str) -> str:
        """What is wrong with all values of a feature that are refused for this reason, in the current language.

        Empty for a feature that this schema has not, or a code that this build does not know.
        """
        feature = self.by_name.get(name)
        return write_kind(feature.make_problem(code)) if feature and code in SENTENCES else ""

    def refuse_unknown(self, raw: Mapping[str, object]) -> dict[str, Problem]:
        """A problem for each name that is not in this schema, up to a limit."""
        unknown = [name for name in raw if name not in self.by_name]
        if not unknown:
            return {}
        names = ", ".join(self.names[:SHOWN_CHOICES])
        problems = {
            shorten(name): Problem(code="unknown_field", given=name, expected=names) for name in unknown[:MOST_UNKNOWN]
        }
        if len(unknown) > MOST_UNKNOWN:
            more = len(unknown) - MOST_UNKNOWN - 1
            problems[shorten(unknown[MOST_UNKNOWN])] = Problem(code="more_unknown_fields", limit=more)
        return problems

    @cached_property
    def text_columns(self) -> dict[int, str]:
        """The names of the features that are texts, by their position."""
        return {position: each.name for position, each in enumerate(self.features) if isinstance(each, Text)}

    def encode(self, rows: Sequence[Row]) -> Inputs:
        """Encode n parsed rows as a float64 matrix of shape (n, number of features), with texts next to it."""
        import numpy as np

        encoded = [[feature.encode(row.values[feature.name]) for feature in self.features] for row in rows]
        matrix = np.array(encoded, dtype=np.float64).reshape(len(rows), len(self.features))
        if not self.text_columns:
            return matrix
        texts = {
            column: np.array([row.values[name] for row in rows], dtype=object)
            for column, name in self.text_columns.items()
        }
        return Table(matrix=matrix, texts=texts)

    def to_json(self) -> dict[str, Any]:
        """Its JSON, which is signed. What builds without labels do not know is next to what they read."""
        written = {"features": [write_feature(feature) for feature in self.features], "target": self.target.to_json()}
        labels = {each.name: dict(each.labels) for each in self.features if isinstance(each, Category) and each.labels}
        if self.target.labels:
            labels[self.target.name] = dict(self.target.labels)
        output = msgspec.to_builtins(self.target.output)
        reading = {feature.name: how for feature in self.features if (how := write_reading(feature))}
        if how := self.target.write_reading():
            reading[self.target.name] = how
        translations = {code: msgspec.to_builtins(each) for code, each in self.translations.items()}
        added = {"labels": labels, "output": output, "reading": reading, "translations": translations}
        return {**written, **{key: value for key, value in added.items() if value}}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        labels, reading = stored.get("labels", {}), stored.get("reading", {})
        return cls(
            features=tuple(
                read_feature({**each, **reading.get(each["name"], {}), "labels": labels.get(each["name"], {})})
                for each in stored["features"]
            ),
            target=read_target(stored),
            translations=read_translations(stored),
        )


def _write_warning(feature: Feature, warning: InputWarning) -> str:
    if feature.sensitive:
        return _("{label}: this value, which is not kept, is unlike the training data.").format(label=feature.label)
    return feature.write_warning(warning)


def read_target(stored: Mapping[str, Any]) -> Target:
    """Read the target from a schema's JSON, without parsing the features, which may be many."""
    target = stored["target"]
    labels, reading = (stored.get(key, {}).get(target["name"]) for key in ("labels", "reading"))
    return Target.from_json(target, labels=labels, output=stored.get("output"), reading=reading)
