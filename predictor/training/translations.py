"""Reads `[translations.<language>]` of a recipe: its words in another language, checked against the schema."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from predictor.exceptions import RecipeError
from predictor.languages import LANGUAGES
from predictor.numbers import find_written
from predictor.schema.kinds import Category
from predictor.schema.schema import Schema
from predictor.schema.translation import Translation
from predictor.schema.words import find_ambiguous
from predictor.texts import list_names
from predictor.training.feature_recipe import MOST_CHARACTERS_OF_WORDS, Text
from predictor.training.toml import convert_table

if TYPE_CHECKING:
    from predictor.training.recipe import Recipe

Title = Annotated[Text, msgspec.Meta(min_length=1, max_length=200)]
Words = Annotated[Text, msgspec.Meta(min_length=1, max_length=MOST_CHARACTERS_OF_WORDS)]


class TranslationRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[translations.<language>]`: what is left out stays in the recipe's own words."""

    title: Title | None = None
    description: Text | None = None
    labels: dict[str, Words] = {}
    help: dict[str, Text] = {}
    choices: dict[str, dict[str, Words]] = {}
    bands: dict[str, Words] = {}
    groups: dict[str, Words] = {}
    examples: dict[str, Words] = {}

    @property
    def texts(self) -> dict[str, Any]:
        """What no prediction depends on, as far as it is given: the title, the description, and titles in the form."""
        given = {key: getattr(self, key) for key in ("title", "description", "groups", "examples")}
        return {key: words for key, words in given.items() if words not in (None, {})}


def convert_translations(file: Path, content: Any) -> dict[str, TranslationRecipe]:
    """Read all `[translations.<language>]`. Raises RecipeError, also for a language that pages are never in."""
    if not isinstance(content, dict):
        raise RecipeError(f"{file}: translations: must be tables such as [translations.de], not {content!r}.")
    for code in content:
        if code not in LANGUAGES:
            known = ", ".join(sorted(LANGUAGES))
            raise RecipeError(f"{file}: translations.{code}: pages are never in this language: write one of {known}.")
    return {code: _convert(file, f"translations.{code}", given) for code, given in content.items()}


def _convert(file: Path, table: str, content: Any) -> TranslationRecipe:
    # One table at a time, so that errors name its keys.
    inner: dict[str, Any] = {"labels": Words, "help": Text, "bands": Words, "groups": Words, "examples": Words}
    inner |= {"choices": dict[str, Words]}
    for key in inner.keys() & content.keys() if isinstance(content, dict) else ():
        given = content[key]
        if not isinstance(given, dict):
            raise RecipeError(f"{file}: {table}.{key}: must be a table such as [{table}.{key}], not {given!r}.")
        for name, words in given.items():
            _check(file, f"{table}.{key}.{name}", words, inner[key])
    return convert_table(file, table, content, TranslationRecipe)


def _check(file: Path, key: str, words: Any, kind: Any) -> None:
    try:
        msgspec.convert(words, kind)
    except msgspec.ValidationError:
        what = 'words by choice, such as { low = "niedrig" }' if kind == dict[str, Words] else "a text"
        limit = f" of 1 to {MOST_CHARACTERS_OF_WORDS} characters" if kind is not Text else ""
        raise RecipeError(f"{file}: {key}: must be {what}{limit}, not {words!r}.") from None


def translate_schema(recipe: "Recipe", schema: Schema) -> Schema:
    """The schema with the recipe's translations.

    Raises RecipeError for words of a column, a choice, a band, a group or an example that is not there, and for words
    that would mean two choices.
    """
    found = {code: _translate(recipe, code, given, schema) for code, given in recipe.translations.items()}
    empty = Translation()
    return replace(schema, translations={code: each for code, each in found.items() if each != empty})


def _translate(recipe: "Recipe", code: str, given: TranslationRecipe, schema: Schema) -> Translation:
    table, target = f"translations.{code}", schema.target
    columns = [*schema.names, target.name]
    for key in ("labels", "help"):
        _refuse_unknown(recipe, f"{table}.{key}", getattr(given, key), columns)
    if target.name in given.help:
        raise recipe.error(f"{table}.help.{target.name}", "the target has no help: leave it out")
    codes = {feature.name: feature.choices for feature in schema.features if isinstance(feature, Category)}
    codes |= {target.name: tuple(target.words.codes)} if target.classes else {}
    _refuse_unknown(recipe, f"{table}.choices", given.choices, codes)
    _refuse_unknown(recipe, f"{table}.bands", given.bands, [band.label for band in target.output.bands])
    groups = dict.fromkeys(each.group for name, each in recipe.features.items() if each.group and name in schema.names)
    _refuse_unknown(recipe, f"{table}.groups", given.groups, groups)
    _refuse_unknown(recipe, f"{table}.examples", given.examples, dict.fromkeys(each.title for each in recipe.examples))
    own = {feature.name: feature.labels for feature in schema.features if isinstance(feature, Category)}
    own[target.name] = target.labels
    choices = {
        name: _match(recipe, f"{table}.choices.{name}", words, codes[name], own[name])
        for name, words in given.choices.items()
    }
    return Translation(labels=given.labels, help=given.help, choices=choices, bands=given.bands)


def _refuse_unknown(recipe: "Recipe", table: str, given: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in given:
        if name not in known:
            what = f"; there is {list_names(known)}" if known else ", as there is nothing to translate here"
            raise recipe.error(f"{table}.{name}", f"there is nothing of this name{what}")


def _match(
    recipe: "Recipe", table: str, given: Mapping[str, str], codes: Sequence[str], own: Mapping[str, str]
) -> dict[str, str]:
    """The words by code as it is stored: a code that is written 1.0 may be the code 1."""
    words: dict[str, str] = {}
    for written, text in given.items():
        code = find_written(written, codes)
        if code is None:
            raise recipe.error(f"{table}.{written}", f"there is no such choice; there is {list_names(codes)}")
        words[code] = text.strip()
    if problem := find_ambiguous(codes, {**own, **words}):
        raise recipe.error(table, problem)
    return words
