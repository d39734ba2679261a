"""Answers a table part by part: its own columns in their order, and those of the answers after them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import polars as pl

from predictor.answering.columns import ScoredColumns, score_columns
from predictor.answering.loaded import LoadedModel
from predictor.answering.table import make_columns, name_added
from predictor.schema.columnar import ParsedColumns
from predictor.schema.kinds import Feature
from predictor.tables.part import Part


@dataclass(frozen=True, kw_only=True, eq=False)
class TableModel:
    """A model for one table: the features among its columns, and the name of each column that is added.

    Texts of numbers without an interval have so many `decimals`.
    """

    model: LoadedModel
    features: Sequence[Feature]
    names: Mapping[str, str]
    decimals: int | None

    @classmethod
    def fit_columns(cls, model: LoadedModel, columns: Sequence[str], decimals: int | None, *, history: bool) -> Self:
        features = [feature for feature in model.schema.features if feature.name in columns]
        names = name_added(model.schema, columns, history=history)
        return cls(model=model, features=features, names=names, decimals=decimals)

    def score(self, part: Part) -> tuple[ScoredColumns, ParsedColumns]:
        columns = {feature.name: part.get_cells(feature) for feature in self.features}
        return score_columns(self.model, columns, part.problems, count=len(part))

    def add_columns(self, part: Part, scored: ScoredColumns, ids: pl.Series | None = None) -> pl.DataFrame:
        """The part with its answers; `ids` are those of its rows in the history."""
        return part.frame.hstack(make_columns(self.model.schema.target, scored, self.names, self.decimals, ids))
