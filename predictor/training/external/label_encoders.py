"""Finds the column whose words a LabelEncoder has turned into codes, and gives the codes their words again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from predictor.exceptions import DatasetError
from predictor.schema.kinds import Category, Feature
from predictor.schema.values import Label, write_value
from predictor.texts import list_names
from predictor.training.dataset import Dataset
from predictor.training.external.parts import Hints, Parts, blame_part
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.kinds import read_whole
from predictor.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """The words of a column that an estimator knows by their codes; whether the sample writes the codes too."""

    words: tuple[Label, ...]
    is_coded: bool

    @property
    def choices(self) -> list[str]:
        """The categories as the sample writes them, in the order of their codes."""
        return [str(code) for code in range(len(self.words))] if self.is_coded else list(map(write_value, self.words))

    def describe(self, recipe: Recipe, column: str, given: FeatureRecipe) -> FeatureRecipe:
        """What is given about the column, by the sample's values. Raises RecipeError where it allows other values."""
        if given.unseen:
            raise recipe.error(f"features.{column}.unseen", "leave it out: a LabelEncoder knows no other values")
        codes = dict(zip(map(write_value, self.words), self.choices, strict=True))
        labels = {codes.get(choice, choice): text for choice, text in given.labels.items()}
        merge = {codes.get(choice, choice): texts for choice, texts in given.merge.items()}
        return msgspec.structs.replace(given, labels=labels, merge=merge)


def place_encoders(
    sample: Path, table: pl.DataFrame, target: str, parts: Parts, hints: Hints, *, is_classifier: bool
) -> dict[str, Encoding]:
    """The columns, the target among them, that the label encoders are for: those of their name, else those that fit.

    Raises ModelFileError where none or several fit, and DatasetError for a value that the encoder does not know.
    """
    placed: dict[str, Encoding] = {}
    possible = [name for name in table.columns if is_classifier or name != target]
    for name, encoder in parts.encoders.items():
        if not hasattr(encoder, "classes_"):
            raise blame_part(parts, name, "is not fitted")
        words = tuple(encoder.classes_.tolist())
        column = hints.encoders.get(name) or _find_column(parts, table, name, words, target, possible)
        if column not in possible:
            raise blame_part(
                parts, name, f"cannot be for the column {column!r}; the columns are {list_names(possible)}"
            )
        if column in placed:
            problem = f"fits the column {column!r}, as another does"
            raise blame_part(parts, name, f'{problem}: add --encoder "PART=COLUMN" for each LabelEncoder')
        values = _list_values(table[column])
        is_coded = not _are_words(values, words)
        if not is_coded and _are_codes(values, words) and list(words) != list(range(len(words))):
            problem = f"its values {list_names(sorted(values))} may be codes or words of its LabelEncoder"
            raise DatasetError(f"{sample}: {column}: {problem}: use a sample with all of {list_names(words)}.")
        if is_coded and not _are_codes(values, words):
            unknown = sorted(values - {*map(write_value, words)})
            raise DatasetError(
                f"{sample}: {column}: {name}, its LabelEncoder, does not know {unknown[0]!r}; it knows"
                f" {list_names(words)}."
            )
        placed[column] = Encoding(words=words, is_coded=is_coded)
    return placed


def _find_column(
    parts: Parts, table: pl.DataFrame, name: str, words: Sequence[Label], target: str, possible: Sequence[str]
) -> str:
    own = name.rpartition("/")[-1]
    if own in possible:
        return own
    values = {column: _list_values(table[column]) for column in possible}
    codes = {str(code) for code in range(len(words))}
    fitting = [column for column in possible if _are_words(values[column], words)]
    fitting = fitting or [column for column in possible if values[column] == codes]
    fitting = fitting or [column for column in possible if column == target and values[column] <= codes]
    named = [column for column in fitting if _is_named(own, column)]
    if len(named or fitting) == 1:
        return (named or fitting)[0]
    found = f"fits the columns {list_names(fitting)}" if fitting else "fits no column of the sample"
    raise blame_part(parts, name, f'{found}: add --encoder "{name}=COLUMN" with the one that it has encoded')


def _is_named(part: str, column: str) -> bool:
    """Whether a part's name contains a column's, as "le_town.pkl" does."""
    return re.search(rf"(?<![^\W_]){re.escape(column)}(?![^\W_])", part, re.IGNORECASE) is not None


def _list_values(series: pl.Series) -> set[str]:
    return set(read_whole(series).drop_nulls().unique().cast(pl.String).to_list())


def _are_words(values: set[str], words: Sequence[Label]) -> bool:
    return values <= {write_value(word) for word in words}


def _are_codes(values: set[str], words: Sequence[Label]) -> bool:
    return values <= {str(code) for code in range(len(words))}


def name_choices(dataset: Dataset, placed: Mapping[str, Encoding]) -> Dataset:
    """Give the categories that the sample has as codes their words."""
    features = tuple(_name_feature(feature, placed.get(feature.name)) for feature in dataset.schema.features)
    return replace(dataset, schema=replace(dataset.schema, features=features))


def _name_feature(feature: Feature, encoding: Encoding | None) -> Feature:
    if encoding is None or not encoding.is_coded or not isinstance(feature, Category):
        return feature
    words = dict(zip(encoding.choices, map(write_value, encoding.words), strict=True))
    return msgspec.structs.replace(
        feature,
        choices=tuple(words.values()),
        seen=tuple(words[code] for code in feature.seen),
        typical=None if feature.typical is None else words[feature.typical],
        merge={text: words[code] for text, code in feature.merge.items()},
        labels={words[code]: text for code, text in feature.labels.items()},
    )


def name_classes(parts: Parts, labels: Sequence[Label], encoding: Encoding) -> tuple[Label, ...]:
    """The words of an estimator's own classes, which are words or codes; raises ModelFileError for other classes."""
    if set(labels) <= set(encoding.words):
        return tuple(labels)
    codes: list[Any] = [label if isinstance(label, int) and not isinstance(label, bool) else -1 for label in labels]
    if not all(0 <= code < len(encoding.words) for code in codes):
        raise parts.file.error(
            f"its classes are {list_names(labels)}, which are neither words nor codes of its LabelEncoder,"
            f" which knows {list_names(encoding.words)}"
        )
    return tuple(encoding.words[code] for code in codes)
