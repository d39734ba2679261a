"""Finds the columns that an estimator takes as texts, which a vectoriser at its front or in it turns into numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer

from predictor.exceptions import DatasetError
from predictor.schema.text import Text
from predictor.texts import list_names
from predictor.training.dataset import Dataset

VECTORISERS = (CountVectorizer, HashingVectorizer)  # TfidfVectorizer is a CountVectorizer.


def find_text_columns(sample: Path, estimator: Any, columns: Sequence[str], named: Sequence[str]) -> list[str]:
    """The columns of texts among those of the sample: those `named` by an option, else those of the vectorisers.

    Raises DatasetError for a name that is not a column, and where the only column of an estimator that takes a list
    of texts is not known.
    """
    unknown = [name for name in named if name not in columns]
    if unknown:
        raise DatasetError(f"{sample}: --text: {unknown[0]!r} is not a column; the columns are {list_names(columns)}.")
    if named:
        return list(named)
    if takes_list(estimator):
        if len(columns) > 1:
            raise DatasetError(
                f"{sample}: the model takes one column of texts, and the sample has {list_names(columns)}: add --text"
                " with its name, and leave the others out of the sample, or write exclude = true below [features.…] in"
                " the model's description."
            )
        return list(columns)
    chosen = list_vectorised(estimator)
    return [name for name in columns if name in chosen]


def list_vectorised(estimator: Any) -> set[str]:
    """The columns of a DataFrame that an estimator hands to vectorisers as they are."""
    return {name for each in _list_first(estimator) for name in _list_vectorised(each)}


def forget_words(dataset: Dataset) -> Dataset:
    """The same sample without its words: one that it lacks may have been trained on, and must not be warned of."""
    features = dataset.schema.features
    known = tuple(msgspec.structs.replace(each, words="") if isinstance(each, Text) else each for each in features)
    return replace(dataset, schema=replace(dataset.schema, features=known))


def takes_list(estimator: Any) -> bool:
    """Whether an estimator is given a list of texts, and not a table: a vectoriser is the first step of it."""
    return any(isinstance(each, VECTORISERS) for each in _list_first(estimator))


def _list_first(estimator: Any) -> Iterator[Any]:
    """What gets the inputs: the first step of a pipeline, the parts of a union, the best estimator of a search."""
    inner = getattr(estimator, "best_estimator_", None) or _get_first_step(estimator)
    parts = [part for _, part in getattr(estimator, "transformer_list", ())]
    if inner is None and not parts:
        yield estimator
    for each in [inner] if inner is not None else parts:
        yield from _list_first(each)


def _get_first_step(estimator: Any) -> Any:
    steps = getattr(estimator, "steps", None)
    return steps[0][1] if steps else None


def _list_vectorised(step: Any) -> Iterator[str]:
    """The columns that a ColumnTransformer hands to vectorisers: each of these gets one, by its name alone."""
    for _, part, columns in getattr(step, "transformers_", ()):
        if isinstance(columns, str) and takes_list(part):
            yield columns
