"""The words of a recipe in another language, and a schema's inputs and target in them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from predictor.languages import ENGLISH, get_language
from predictor.schema.kinds import Category, Feature
from predictor.schema.target import Target


class Translation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Words in one language; it is stored and signed with the schema. What is left out stays in the recipe's own words.

    `labels` and `help` are by column, `choices` by column and then by choice or class, `bands` by the recipe's words.
    """

    labels: dict[str, str] = {}
    help: dict[str, str] = {}
    choices: dict[str, dict[str, str]] = {}
    bands: dict[str, str] = {}

    def translate_feature(self, feature: Feature) -> Feature:
        label, help = self.labels.get(feature.name, feature.label), self.help.get(feature.name, feature.help)
        translated = msgspec.structs.replace(feature, label=label, help=help)
        if not isinstance(translated, Category):
            return translated
        return msgspec.structs.replace(translated, labels=translated.labels | self.choices.get(feature.name, {}))

    def translate_target(self, target: Target) -> Target:
        bands = tuple(
            msgspec.structs.replace(band, label=self.bands.get(band.label, band.label)) for band in target.output.bands
        )
        return replace(
            target,
            label=self.labels.get(target.name, target.label),
            labels=target.labels | self.choices.get(target.name, {}),
            output=msgspec.structs.replace(target.output, bands=bands),
        )


def read_translations(stored: Mapping[str, Any]) -> dict[str, Translation]:
    """Read the translations from a schema's JSON, by the language's code."""
    return msgspec.convert(stored.get("translations", {}), dict[str, Translation])


def find_translation(translations: Mapping[str, Translation]) -> Translation | None:
    """The words in the language of the page; None where the recipe has none, and for what is not a page."""
    language = get_language()
    return None if language is ENGLISH else translations.get(language.code)
