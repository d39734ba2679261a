"""Gives an estimator made elsewhere the codes that it was fitted on, where the site has categories with words."""

from collections.abc import Set
from dataclasses import replace

import numpy as np

from predictor.estimators.coded import Coded
from predictor.estimators.imported import Imported
from predictor.schema.kinds import make_feature
from predictor.schema.values import recode
from predictor.training.dataset import Dataset


def find_numbers(dataset: Dataset, positions: Set[str] = frozenset()) -> dict[int, tuple[float, ...]]:
    """The number of each choice, by column of the matrix, for categories that are numbers or booleans in the sample.

    Not for those of which the estimator takes the `positions`.
    """
    booleans = {"true": 1.0, "false": 0.0}
    return {
        column: tuple(booleans[choice.lower()] if choice.lower() in booleans else float(choice) for choice in choices)
        for column, feature in enumerate(dataset.schema.features)
        if feature.name in dataset.coded.keys() - positions and (choices := feature.choices)
    }


def decode_categories(dataset: Dataset, numbers: dict[int, tuple[float, ...]]) -> Dataset:
    """The sample as the estimator was fitted on it: with numbers in place of categories that are codes."""
    features, matrix = list(dataset.schema.features), dataset.matrix.copy()
    for column, each in numbers.items():
        name, required = features[column].name, features[column].required
        features[column] = make_feature(kind=dataset.coded[name], name=name, label=name, required=required)
        matrix[:, column] = recode(matrix[:, column], np.array([*each, np.nan]))
    return replace(dataset, schema=replace(dataset.schema, features=tuple(features)), matrix=matrix)


def encode_again(imported: Imported, numbers: dict[int, tuple[float, ...]]) -> Imported | Coded:
    """The estimator for positions of choices; itself where each code is its own position."""
    moved = {column: each for column, each in numbers.items() if each != tuple(range(len(each)))}
    return Coded(estimator=imported, numbers=moved) if moved else imported
