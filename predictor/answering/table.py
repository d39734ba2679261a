"""The columns that answers add to a table."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from predictor.answering.columns import ScoredColumns
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.schema.values import write_value

# In front of the name of an added column that the file has already.
PREFIX = "mlsite_"


def name_added(schema: Schema, columns: Sequence[str], *, history: bool) -> dict[str, str]:
    """The added columns in their order, with the name of each: one that the file has already gets a prefix."""
    target = schema.target
    added = ["prediction", *(["text"] if target.has_words else [])]
    if target.task == "regression":
        added += ["lower", "upper"]
    added += [f"probability_{write_value(label)}" for label in target.classes]
    names: dict[str, str] = {}
    for column in [*added, "warnings", *(["id"] if history else []), "error"]:
        name = column
        while name in columns or name in names.values():
            name = PREFIX + name
        names[column] = name
    return names


def make_columns(
    target: Target, scored: ScoredColumns, names: Mapping[str, str], decimals: int | None, ids: pl.Series | None = None
) -> list[pl.Series]:
    """The added columns of scored rows; texts of numbers without an interval have so many decimals."""
    made = _make_answers(target, scored)
    if target.has_words:
        made["text"] = _write_texts(target, scored, decimals)
    warnings = {row: "\n".join(sentences) for row, sentences in scored.warnings.items()}
    made |= {"warnings": _place(warnings, len(scored)), "error": _place(scored.errors, len(scored))}
    if ids is not None:
        made["id"] = ids
    return [made[column].alias(name) for column, name in names.items()]


def _make_answers(target: Target, scored: ScoredColumns) -> dict[str, pl.Series]:
    if target.task == "regression":
        columns = {"prediction": scored.predicted, "lower": scored.lower, "upper": scored.upper}
        return {name: pl.Series(column, nan_to_null=True) for name, column in columns.items()}
    made = {"prediction": name_classes([write_value(label) for label in target.classes], scored)}
    for code, label in enumerate(target.classes):
        share = np.full(len(scored), np.nan) if scored.shares is None else scored.shares[:, code]
        made[f"probability_{write_value(label)}"] = pl.Series(share, nan_to_null=True)
    return made


def name_classes(names: Sequence[str], scored: ScoredColumns) -> pl.Series:
    """The predicted class of each row, named by its code; null for a row without an answer."""
    codes = pl.Series(scored.predicted, nan_to_null=True).cast(pl.Int64)
    return pl.Series(names, dtype=pl.String).gather(codes)


def _write_texts(target: Target, scored: ScoredColumns, decimals: int | None) -> pl.Series:
    """Predictions as pages show them, in English."""
    if target.task != "regression":
        return name_classes([str(target.write(label)) for label in target.classes], scored)

    def write(output: float, interval: tuple[float, float]) -> str:
        found = target.find_decimals(output, None if math.isnan(interval[0]) else interval)
        return str(target.write(output, decimals=decimals if found is None else found))

    ends = zip(scored.lower.tolist(), scored.upper.tolist(), strict=True)
    pairs = zip(scored.predicted.tolist(), ends, strict=True)
    return pl.Series([None if math.isnan(output) else write(output, each) for output, each in pairs], dtype=pl.String)


def _place(texts: Mapping[int, str], count: int) -> pl.Series:
    """Texts at their rows, of so many."""
    placed: list[str | None] = [None] * count
    for row, text in texts.items():
        placed[row] = text
    return pl.Series(placed, dtype=pl.String)
