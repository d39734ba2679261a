"""Which input each column belongs to that a compiled model makes for its trees."""

import numpy as np

from predictor.schema.kinds import Category, Feature
from predictor.schema.schema import Schema
from predictor.schema.table import Table
from predictor.schema.values import Matrix, Vector
from predictor.serving.explaining.game import Hybrids, Positions
from predictor.serving.explaining.parts import Part

MOST_CHOICES = 200


def find_owners(part: Part, schema: Schema, hybrids: Hybrids) -> Positions | None:
    """The feature that changes each column, shape (columns,): each is changed by one alone, else there is no result.

    One row is tried with each value of each feature that the background has, each choice, and none. A column that
    nothing changes belongs to no feature, and gets their number.
    """
    own = part.run(hybrids.row)[0]
    owners = np.full(len(own), hybrids.features)
    for position, feature in enumerate(schema.features):
        is_changed = (_differ(_try_values(part, hybrids, position, feature), own)).any(axis=0)
        if (owners[is_changed] < hybrids.features).any():
            return None
        owners[is_changed] = position
    return owners


def are_owners(part: Part, owners: Positions, hybrids: Hybrids, columns: Matrix) -> bool:
    """Whether hybrids of this row, too, get each column from the feature that it belongs to.

    `columns` are those of the background. Each feature is exchanged alone, in both directions.
    """
    features, rows = hybrids.features, len(hybrids.background)
    single = np.eye(features, dtype=bool)
    is_own = np.vstack([single, ~single])
    of = np.arange(len(is_own)) % rows
    own, found = part.run(hybrids.row)[0], part.run(hybrids.mix(is_own, of))
    belongs = np.hstack([is_own, np.ones((len(is_own), 1), dtype=bool)])[:, owners]
    return not _differ(found, np.where(belongs, own, columns[of])).any()


def _try_values(part: Part, hybrids: Hybrids, position: int, feature: Feature) -> Matrix:
    """The columns of the row with other values of one feature, shape (values, columns)."""
    rows = len(hybrids.background)
    is_own = np.ones((rows, hybrids.features), dtype=bool)
    is_own[:, position] = False
    tried = [part.run(hybrids.mix(is_own, np.arange(rows)))]
    more = _list_more(feature)
    if len(more):
        row = hybrids.row
        matrix = np.repeat(row.matrix if isinstance(row, Table) else row, len(more), axis=0)
        matrix[:, position] = more
        texts = (
            {column: np.repeat(each, len(more)) for column, each in row.texts.items()} if isinstance(row, Table) else {}
        )
        tried.append(part.run(Table(matrix=matrix, texts=texts) if texts else matrix))
    return np.concatenate(tried)


def _list_more(feature: Feature) -> Vector:
    """Values of a feature that the background may lack."""
    choices = np.arange(min(len(feature.choices), MOST_CHOICES)) if isinstance(feature, Category) else np.empty(0)
    return np.append(choices, np.nan) if not feature.required else choices.astype(np.float64)


def _differ(one: Matrix, other: "Matrix | Vector") -> Matrix:
    differs: Matrix = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return differs
