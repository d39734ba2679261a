"""Reads `[features.<name>]` of a recipe: what is given about one column."""

import sys
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from predictor.exceptions import RecipeError
from predictor.schema.kinds import Kind
from predictor.schema.temporal import find_zone
from predictor.schema.text import MOST_CHARACTERS
from predictor.schema.values import write_value
from predictor.texts import normalise_text
from predictor.training.toml import convert_table

# Databases store no NUL, and JSON has no infinity.
Text = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]*\Z")]
Finite = Annotated[float, msgspec.Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
LIMITS = frozenset({"minimum", "maximum"})
MOST_CHARACTERS_OF_WORDS = 200


class FeatureRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[features.<name>]`: what is given about a column, in place of what is inferred from its data."""

    label: Text | None = None
    kind: Kind | None = None
    unit: Text = ""
    help: Text = ""
    group: Annotated[Text, msgspec.Meta(max_length=100)] = ""
    # A date or a time is written as TOML writes it, and kept as text.
    minimum: Finite | Text | None = None
    maximum: Finite | Text | None = None
    format: Text = ""
    zone: Text = ""
    choices: Annotated[list[Text | int], msgspec.Meta(min_length=1)] | None = None
    labels: dict[str, Text] = {}
    missing: Annotated[list[Text | Finite], msgspec.Meta(min_length=1)] | None = None
    merge: dict[Text, list[Text]] = {}
    unseen: Literal["other"] | None = None
    maximum_length: Annotated[int, msgspec.Meta(ge=1, le=MOST_CHARACTERS)] | None = None
    required: bool | None = None
    exclude: bool = False
    sensitive: bool | Literal["hash", "drop"] = False

    @property
    def gaps(self) -> tuple[str, ...]:
        """The texts that mean missing, sorted; a number as its shortest text."""
        return tuple(sorted({write_value(each).strip() for each in self.missing or []}))

    @property
    def hiding(self) -> Literal["", "hash", "drop"]:
        """How its values are kept out of what is stored; empty where they are stored."""
        return ("hash" if self.sensitive else "") if isinstance(self.sensitive, bool) else self.sensitive

    @property
    def aliases(self) -> dict[str, str]:
        """By spelling, the text that it is merged into."""
        merged = {normalise_text(text): into for into, texts in self.merge.items() for text in texts}
        return {text: normalise_text(into) for text, into in merged.items()}


def convert_feature(file: Path, table: str, content: Any) -> FeatureRecipe:
    """Read what is given about a column; a choice written 1.0 is the whole number 1."""
    if isinstance(content, dict) and isinstance(content.get("choices"), list):
        choices = [int(each) if isinstance(each, float) and each.is_integer() else each for each in content["choices"]]
        content = {**content, "choices": choices}
    if isinstance(content, dict):
        content = content | {key: _write_limit(file, f"{table}.{key}", content[key]) for key in LIMITS & content.keys()}
    if isinstance(content, dict) and "labels" in content:
        _check_labels(file, f"{table}.labels", content["labels"])
    feature = convert_table(file, table, content, FeatureRecipe)
    _check_zone(file, f"{table}.zone", feature.zone)
    made = "choices" if feature.choices else "labels"
    if (feature.choices or feature.labels) and feature.kind not in (None, "category"):
        raise RecipeError(
            f"{file}: {table}.kind: {made} make a category, not {feature.kind!r}: leave out one of the two."
        )
    if feature.unseen and feature.kind not in (None, "category"):
        raise RecipeError(
            f"{file}: {table}.unseen: it is for categories, not {feature.kind!r}: leave out one of the two."
        )
    if feature.maximum_length is not None and feature.kind not in (None, "text"):
        problem = f"it is for texts, not {feature.kind!r}: leave out one of the two"
        raise RecipeError(f"{file}: {table}.maximum_length: {problem}.")
    _check_spelling(file, table, feature)
    return feature if not feature.labels or feature.kind else msgspec.structs.replace(feature, kind="category")


def _check_labels(file: Path, table: str, labels: Any) -> None:
    """Check what msgspec's messages would not explain: TOML reads a bare 1.5 as a 5 in a table 1."""
    if not isinstance(labels, dict) or not labels:
        raise RecipeError(f'{file}: {table}: must be words by code, such as {{ 0 = "no", 1 = "yes" }}, not {labels!r}.')
    for code, words in labels.items():
        if not isinstance(words, str) or not words.strip() or len(words) > MOST_CHARACTERS_OF_WORDS:
            problem = f"must be words of 1 to {MOST_CHARACTERS_OF_WORDS} characters, not {words!r}"
            hint = (
                f'; write a code with a point in quotes, "{code}.{next(iter(words))}"'
                if isinstance(words, dict)
                else ""
            )
            raise RecipeError(f"{file}: {table}.{code}: {problem}{hint}.")


def _write_limit(file: Path, key: str, limit: Any) -> Any:
    if isinstance(limit, date | time):
        return limit.isoformat()
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        raise RecipeError(f"{file}: {key}: must be a number, not {limit!r}.")
    return limit


def _check_zone(file: Path, key: str, zone: str) -> None:
    try:
        if zone:
            find_zone(zone)
    except (ValueError, OSError, KeyError) as error:
        raise RecipeError(f"{file}: {key}: must be a time zone such as Europe/Berlin, not {zone!r}.") from error


def _check_spelling(file: Path, table: str, feature: FeatureRecipe) -> None:
    """Refuse a spelling that is merged into two texts, or into one that is itself merged or means missing."""
    spellings = [normalise_text(text) for texts in feature.merge.values() for text in texts]
    kept = [*map(normalise_text, feature.merge), *map(str, feature.choices or [])]
    for text in spellings:
        if spellings.count(text) > 1 or text in kept:
            problem = f"{text!r} is merged more than once" if text not in kept else f"{text!r} is also a value to keep"
            raise RecipeError(f"{file}: {table}.merge: {problem}: write it in one place.")
    if both := [text for text in (*kept, *spellings) if text.strip() in feature.gaps]:
        raise RecipeError(f"{file}: {table}.missing: {both[0]!r} is also a value: write it in one place.")
