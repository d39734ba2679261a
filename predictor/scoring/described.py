"""Makes what is stored of a table's answered rows."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import polars as pl

from predictor.answering.columns import ScoredColumns
from predictor.answering.table import name_classes
from predictor.history.hiding import hide_inputs, hide_warnings
from predictor.models import Prediction
from predictor.schema.columnar import ParsedColumn, ParsedColumns
from predictor.schema.kinds import Boolean, Integer
from predictor.schema.values import Mask, write_value
from predictor.scoring.ids import make_ids
from predictor.serving.answer import describe_warnings
from predictor.serving.history import FIELDS
from predictor.serving.runtime import Runtime


def describe_columns(
    runtime: Runtime, parsed: ParsedColumns, scored: ScoredColumns, began: int
) -> tuple[pl.DataFrame, pl.Series]:
    """The answered rows as they are stored, JSON as texts, and the id of each row, null where it has no answer.

    `began` is when their answering began, in nanoseconds since 1970.
    """
    is_answered = np.isfinite(scored.predicted)
    count, ended = int(is_answered.sum()), time.time_ns()
    ids = make_ids(count, began, ended)
    columns = {
        **_describe_inputs(runtime, parsed),
        **_describe_answers(runtime, scored),
        **_describe_warnings(runtime, parsed),
    }
    stored = (
        pl.DataFrame(columns)
        .filter(pl.Series(is_answered))
        .with_columns(
            id=ids,
            version_id=runtime.version.id,
            source=pl.lit(Prediction.Source.CSV.value),
            created_at=datetime.fromtimestamp(began / 1e9, UTC),
            duration_ms=(ended - began) / 1e6,
        )
    )
    return stored.select(list(FIELDS)), _place(ids, is_answered)


def _describe_inputs(runtime: Runtime, parsed: ParsedColumns) -> dict[str, pl.Series]:
    schema = runtime.schema
    kept = {name: make_series(column) for name, column in parsed.columns.items() if name not in schema.sensitive}
    hashed: dict[int, Any] = {}
    if "hash" in schema.sensitive.values():
        rows = (row for row in range(len(parsed)) if row not in parsed.problems)
        hashed = {row: hide_inputs(schema, parsed.get_row(row))[1] for row in rows}
    return {"inputs": write_objects(kept, len(parsed)), "hashed_inputs": _write_some(hashed, len(parsed))}


def _describe_answers(runtime: Runtime, scored: ScoredColumns) -> dict[str, pl.Series]:
    target, nothing = runtime.schema.target, pl.repeat(None, len(scored), dtype=pl.String, eager=True)
    if target.task != "regression":
        shares = (
            {} if scored.shares is None else dict(zip(map(write_value, target.classes), scored.shares.T, strict=True))
        )
        written = {name: pl.Series(column) for name, column in shares.items()}
        return {
            "output": name_classes([_write(label) for label in target.classes], scored),
            "probabilities": write_objects(written, len(scored)) if written else nothing,
            "interval": nothing,
        }
    ends = pl.DataFrame({"lower": scored.lower, "upper": scored.upper}).fill_nan(None)
    return {
        "output": pl.Series(scored.predicted).cast(pl.String),
        "probabilities": nothing,
        "interval": ends.select(pl.format("[{},{}]", "lower", "upper")).to_series(),
    }


def _describe_warnings(runtime: Runtime, parsed: ParsedColumns) -> dict[str, pl.Series]:
    schema = runtime.schema
    described = {
        row: describe_warnings(schema, hide_warnings(schema, warnings)) for row, warnings in parsed.warnings.items()
    }
    return {
        "warnings": _write_some({row: each["warnings"] for row, each in described.items()}, len(parsed)).fill_null(
            "[]"
        ),
        "warning_codes": _write_some({row: each["warning_codes"] for row, each in described.items()}, len(parsed)),
    }


def make_series(column: ParsedColumn) -> pl.Series:
    """The values of a column."""
    if column.places is None:
        numbers = pl.Series(column.codes).fill_nan(None)
        return numbers.cast(pl.Int64) if isinstance(column.feature, Integer) else numbers
    dtype = pl.Boolean if isinstance(column.feature, Boolean) else pl.String
    return pl.Series(column.distinct, dtype=dtype).gather(column.places)


def write_objects(columns: Mapping[str, pl.Series], count: int) -> pl.Series:
    """Each row of these columns as a JSON object."""
    if not columns:
        return pl.repeat("{}", count, eager=True)
    return pl.DataFrame(columns).select(pl.struct(pl.all()).struct.json_encode()).to_series()


def _write(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _write_some(values: Mapping[int, Any], count: int) -> pl.Series:
    """The JSON of values at their rows, of so many; null for None and all others."""
    written: list[str | None] = [None] * count
    for row, value in values.items():
        written[row] = None if value is None else _write(value)
    return pl.Series(written, dtype=pl.String)


def _place(ids: pl.Series, is_answered: Mask) -> pl.Series:
    places = pl.Series(np.cumsum(is_answered) - 1)
    return ids.gather(places.set(pl.Series(~is_answered), None))
