"""Prepares a schema's columns for an estimator: all columns that are prepared in one way together."""

from collections.abc import Sequence
from typing import Any, assert_never

from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

from predictor.estimators.codes import MISSING_CODE
from predictor.estimators.date_parts import DateParts
from predictor.schema.kinds import Boolean, Category, Feature, Integer, Number
from predictor.schema.schema import Schema
from predictor.schema.temporal import Date, Datetime, Time
from predictor.schema.text import Text
from predictor.training.boosters import CATEGORIES

# As many as boosted trees on histograms distinguish; a matrix with a column for each of thousands fits into no memory.
MOST_ONE_HOT = 255
# Of more codes, the target's mean is a better one to split at first.
MOST_CODES = 30
WIDE = "wide categories"


def group_columns(
    schema: Schema, *, scales: bool, cyclic: bool, takes_missing: bool, seed: int, codes: Sequence[int] = ()
) -> list[tuple[str, Any, list[int]]]:
    """Transform columns of one sort together: every transformer adds its own time to each prediction.

    Those of `codes` come first, as they are; where they are many, the target's mean is next to them.
    """
    sorts: dict[str, list[int]] = {CATEGORIES: list(codes)} if codes else {}
    for position, feature in enumerate(schema.features):
        if position not in codes or len(feature.choices) > MOST_CODES:
            sort = WIDE if position in codes else _sort_feature(feature)
            sorts.setdefault(sort if feature.required else f"{sort} with gaps", []).append(position)
    scaling = [StandardScaler()] if scales else []
    imputing = [] if takes_missing else [SimpleImputer(strategy="median", keep_empty_features=True)]

    def encode(columns: list[int], *missing: int) -> OneHotEncoder:
        features = [schema.features[column] for column in columns]
        codes = [[*missing, *range(len(feature.choices))] for feature in features]
        takes_others = any(isinstance(feature, Category) and feature.unseen for feature in features)
        unknown = "ignore" if takes_others else "error"
        return OneHotEncoder(categories=codes, sparse_output=False, handle_unknown=unknown)

    def encode_wide(columns: list[int]) -> list[Any]:
        kind = "continuous" if schema.target.task == "regression" else "auto"
        return [TargetEncoder(target_type=kind, cv=KFold(shuffle=True, random_state=seed)), *scaling]

    def expand(columns: list[int]) -> DateParts:
        return DateParts(kind=schema.features[columns[0]].kind, cyclic=cyclic)

    steps = {
        CATEGORIES: lambda columns: [],
        "numbers": lambda columns: scaling,
        "numbers with gaps": lambda columns: [*imputing, *scaling],
        "categories": lambda columns: [encode(columns)],
        "categories with gaps": lambda columns: [
            SimpleImputer(strategy="constant", fill_value=MISSING_CODE, keep_empty_features=True),
            encode(columns, MISSING_CODE),
        ],
    }
    for kind in ("date", "datetime", "time"):
        steps[f"{kind}s"] = lambda columns: [expand(columns), *scaling]
        steps[f"{kind}s with gaps"] = lambda columns: [expand(columns), *imputing, *scaling]
    steps |= dict.fromkeys((WIDE, f"{WIDE} with gaps"), encode_wide)
    made = {sort: steps[sort](columns) for sort, columns in sorts.items()}
    return [(sort, make_pipeline(*made[sort]) if made[sort] else "passthrough", sorts[sort]) for sort in sorts]


def is_wide(choices: int) -> bool:
    """Whether a category of so many choices becomes one column, by the target's mean, instead of one for each."""
    return choices > MOST_ONE_HOT


def _sort_feature(feature: Feature) -> str:
    match feature:
        case Category():
            return WIDE if is_wide(len(feature.choices)) else "categories"
        case Number() | Integer() | Boolean():
            return "numbers"
        case Date() | Datetime() | Time() | Text():  # Texts are prepared apart.
            return f"{feature.kind}s"
        case _:
            assert_never(feature)
