"""The columns that answers add to a table."""

from collections.abc import Mapping, Sequence

import polars as pl

from predictor.answering.columns import Interval, ScoredColumns
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.schema.values import Label, write_value

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
    target: Target, scored: ScoredColumns, names: Mapping[str, str], decimals: int | None
) -> list[pl.Series]:
    """The added columns of scored rows; texts of numbers without an interval have so many decimals."""
    made = _write_answers(target, scored, decimals)
    made |= {"warnings": scored.warnings, "id": scored.ids, "error": scored.errors}
    is_number = target.task == "regression"
    numbers = {"prediction", "lower", "upper"} if is_number else {name for name in made if name.startswith("prob")}
    return [
        pl.Series(name, made[column], pl.Float64 if column in numbers else pl.String) for column, name in names.items()
    ]


def _write_answers(target: Target, scored: ScoredColumns, decimals: int | None) -> dict[str, Sequence[object]]:
    texts = {"text": _write_texts(target, scored, decimals)} if target.has_words else {}
    if target.task == "regression":
        ends = [each or (None, None) for each in scored.intervals]
        return {"prediction": scored.outputs, **texts, "lower": [a for a, _ in ends], "upper": [b for _, b in ends]}
    nothing: list[float | None] = [None] * len(scored)
    written = {label: write_value(label) for label in target.classes}
    shares = {f"probability_{name}": scored.probabilities.get(name, nothing) for name in written.values()}
    outputs = [None if label is None else written[label] for label in scored.outputs]  # type: ignore[index]
    return {"prediction": outputs, **texts, **shares}


def _write_texts(target: Target, scored: ScoredColumns, decimals: int | None) -> list[str | None]:
    """Predictions as pages show them, in English."""

    def write(output: float | Label, interval: Interval | None) -> str:
        found = target.find_decimals(output, interval)
        return str(target.write(output, decimals=decimals if found is None else found))

    pairs = zip(scored.outputs, scored.intervals, strict=True)
    return [None if output is None else write(output, interval) for output, interval in pairs]
