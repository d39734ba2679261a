"""Makes what is stored of a table's answered rows."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import polars as pl

from predictor.answering.columns import ScoredColumns
from predictor.answering.ids import make_ids
from predictor.answering.table import name_classes
from predictor.answering.warnings import describe_warnings, hide_warnings
from predictor.schema.columnar import ParsedColumn, ParsedColumns
from predictor.schema.kinds import Boolean, Integer
from predictor.schema.schema import Row, Schema
from predictor.schema.target import Target
from predictor.schema.values import Mask, write_value

Hash = Callable[[Schema, Row], Mapping[str, str | None] | None]


def describe_columns(
    schema: Schema, parsed: ParsedColumns, scored: ScoredColumns, began: int, hash_inputs: Hash
) -> tuple[pl.DataFrame, pl.Series]:
    """What is stored of answered rows, JSON as texts, and the id of each row, null where it has no answer.

    `began` is when their answering began, in nanoseconds since 1970; `hash_inputs` is asked where there is something to
    be hashed. Which version answered, and for whom, is not in it.
    """
    is_answered = np.isfinite(scored.predicted)
    count, ended = int(is_answered.sum()), time.time_ns()
    ids = make_ids(count, began, ended)
    columns = {
        **_describe_inputs(schema, parsed, hash_inputs),
        **_describe_answers(schema.target, scored),
        **_describe_warnings(schema, parsed, scored),
    }
    stored = (
        pl.DataFrame(columns)
        .filter(pl.Series(is_answered))
        .with_columns(
            id=ids,
            created_at=datetime.fromtimestamp(began / 1e9, UTC),
            duration_ms=(ended - began) / 1e6,
        )
    )
    return stored, _place(ids, is_answered)


def _describe_inputs(schema: Schema, parsed: ParsedColumns, hash_inputs: Hash) -> dict[str, pl.Series]:
    kept = {name: make_series(column) for name, column in parsed.columns.items() if name not in schema.sensitive}
    hashed: dict[int, Any] = {}
    if "hash" in schema.sensitive.values():
        rows = (row for row in range(len(parsed)) if row not in parsed.problems)
        hashed = {row: hash_inputs(schema, parsed.get_row(row)) for row in rows}
    return {"inputs": write_objects(kept, len(parsed)), "hashed_inputs": _write_some(hashed, len(parsed))}


def _describe_answers(target: Target, scored: ScoredColumns) -> dict[str, pl.Series]:
    nothing = pl.repeat(None, len(scored), dtype=pl.String, eager=True)
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
    ends = pl.DataFrame({"lower": scored.lower, "upper": scored.upper}, nan_to_null=True)
    return {
        "output": pl.Series(scored.predicted).cast(pl.String),
        "probabilities": nothing,
        "interval": ends.select(pl.format("[{},{}]", "lower", "upper")).to_series(),
    }


def _describe_warnings(schema: Schema, parsed: ParsedColumns, scored: ScoredColumns) -> dict[str, pl.Series]:
    stored: dict[int, Any] = {row: hide_warnings(schema, each) for row, each in parsed.warnings.items()}
    sentences = scored.warnings
    if schema.sensitive:
        sentences = {row: describe_warnings(schema, each)["warnings"] for row, each in stored.items()}
    return {
        "warnings": _write_some(sentences, len(parsed)).fill_null("[]"),
        "warning_codes": _write_some(stored, len(parsed)),
    }


def make_series(column: ParsedColumn) -> pl.Series:
    """The values of a column."""
    if column.places is None:
        numbers = pl.Series(column.codes, nan_to_null=True)
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
