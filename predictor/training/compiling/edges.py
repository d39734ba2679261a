"""Makes rows of edge cases: where a compiled model would most likely differ."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from predictor.schema.kinds import LARGE, Category, Integer, Number
from predictor.schema.schema import Schema
from predictor.schema.table import Inputs, Table, get_matrix, take_rows
from predictor.schema.values import Vector
from predictor.training.compiling.odd_texts import make_odd_texts

# Enough for every kind of split; a forest has millions.
MOST_SPLITS = 2_000
# Beyond float32, so that trees refuse it, and sums of squares overflow.
BEYOND_FLOAT32 = (1e39, -1e300)


def make_edge_rows(
    schema: Schema, inputs: Inputs, splits: dict[int, NDArray[np.float64]], *, seed: int = 0
) -> list[Inputs]:
    """Change one value each in copies of rows: missing, extreme, each category, at and next to splits, odd texts.

    Returns several matrices or tables: rows that an estimator may refuse are in some of their own.
    """
    chosen = np.random.default_rng(seed)
    ordinary: list[tuple[int, Vector]] = []
    gaps: list[tuple[int, Vector]] = []
    infinite: list[tuple[int, Vector]] = []
    for column, feature in enumerate(schema.features):
        ordinary.append((column, np.array(feature.list_extremes())))
        if not feature.required:
            gaps.append((column, np.array([np.nan])))
        if isinstance(feature, Number | Integer) and not infinite:
            infinite.append((column, np.array(BEYOND_FLOAT32)))
    neighbours = list(_find_neighbours(splits, schema))
    made = [_change_rows(inputs, changes, chosen) for changes in (ordinary, neighbours, gaps, infinite)]
    if isinstance(inputs, Table):
        made += make_odd_texts(schema, inputs, chosen)
    all_missing = take_rows(inputs, np.zeros(1, dtype=int))
    get_matrix(all_missing)[:, [column for column, _ in gaps]] = np.nan
    return [rows for rows in [*made, all_missing] if len(rows)]


def _find_neighbours(
    splits: dict[int, NDArray[np.float64]], schema: Schema
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Each split, the next float64 and float32 on either side of it, and the nearest float32."""
    total = sum(map(len, splits.values()))
    for column, values in splits.items():
        if isinstance(schema.features[column], Category):
            continue  # All of its values are among the rows anyway.
        wanted = max(1, MOST_SPLITS * len(values) // max(total, MOST_SPLITS))
        some = values[np.linspace(0, len(values) - 1, min(wanted, len(values))).astype(int)]
        some = some[np.abs(some) < LARGE]
        single = some.astype(np.float32)
        adjacent = [np.nextafter(each, each.dtype.type(end)) for each in (some, single) for end in (-np.inf, np.inf)]
        yield column, np.concatenate([some, single, *adjacent]).astype(np.float64)


def _change_rows(inputs: Inputs, changes: list[tuple[int, Vector]], chosen: np.random.Generator) -> Inputs:
    columns = np.concatenate([np.full(len(values), column) for column, values in changes] or [np.empty(0, int)])
    rows = take_rows(inputs, chosen.integers(len(inputs), size=len(columns)))
    if len(columns):
        values = np.concatenate([values for _, values in changes])
        get_matrix(rows)[np.arange(len(rows)), columns.astype(int)] = values
    return rows
