"""Predicts for a table's rows by column; a row that is refused, or has no answer, has an error instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from predictor.answering.loaded import LoadedModel
from predictor.exceptions import InvalidInput, NoAnswer
from predictor.schema.columnar import ParsedColumns, parse_columns
from predictor.schema.table import Inputs, take_rows
from predictor.schema.values import Label, Matrix, Vector, write_value

T = TypeVar("T")
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredColumns:
    """n rows with their answers, by column; a row without one has None, and an error.

    `probabilities` are by class. `kinds` has what is wrong with each row that has an error, as pairs of a field, which
    may be empty, and a code.
    """

    outputs: list[float | Label | None]
    intervals: list[Interval | None]
    probabilities: Mapping[str, list[float | None]]
    warnings: list[str | None]
    errors: list[str | None]
    kinds: Mapping[int, Sequence[tuple[str, str]]]
    ids: list[str | None]

    def __len__(self) -> int:
        return len(self.outputs)


def score_columns(
    model: LoadedModel, columns: Mapping[str, Sequence[object]], wrong: Mapping[int, str], *, count: int
) -> tuple[ScoredColumns, ParsedColumns]:
    """Parse and predict `count` rows; what was parsed is for those who store the answers.

    `columns` are the cells of features by name; `wrong` has an error for each row that is none, by position.
    """
    parsed = parse_columns(model.schema, columns, count)
    errors, kinds = _list_errors(parsed, wrong, count)
    rows = [row for row in range(count) if row not in kinds]
    predicted, shares, causes = _ask(model, take_rows(parsed.inputs, rows) if kinds else parsed.inputs)
    is_answered = np.isfinite(predicted) if shares is None else np.isfinite(predicted) & np.isfinite(shares).all(axis=1)
    for place in np.flatnonzero(~is_answered).tolist():
        errors[rows[place]], kinds[rows[place]] = str(NoAnswer(causes.get(place, ""))), [("", "no_answer")]
    places = np.flatnonzero(is_answered)
    rows = [rows[place] for place in places.tolist()]
    numbers: list[float] = predicted[places].tolist()
    shares = None if shares is None else shares[places]
    outputs, intervals = _name_outputs(model, numbers)
    written = {row: "\n".join(model.schema.write_warnings(each)) for row, each in parsed.warnings.items()}
    scored = ScoredColumns(
        outputs=_place(outputs, rows, count),
        intervals=_place(intervals, rows, count),
        probabilities={name: _place(each, rows, count) for name, each in _name_shares(model, shares).items()},
        warnings=[None if row in kinds else written.get(row) for row in range(count)],
        errors=errors,
        kinds=kinds,
        ids=[None] * count,
    )
    return scored, parsed


def _list_errors(
    parsed: ParsedColumns, wrong: Mapping[int, str], count: int
) -> tuple[list[str | None], dict[int, Sequence[tuple[str, str]]]]:
    errors: list[str | None] = [None] * count
    kinds: dict[int, Sequence[tuple[str, str]]] = {}
    for row, problems in parsed.problems.items():
        errors[row] = str(InvalidInput(problems))
        kinds[row] = [(name, problem.code) for name, problem in problems.items()]
    for row, error in wrong.items():
        errors[row], kinds[row] = error, [("", "wrong_length")]
    return errors, kinds


def _ask(model: LoadedModel, inputs: Inputs) -> "tuple[Vector, Matrix | None, dict[int, str]]":
    """What the estimator predicts, as `Runtime.ask`, and by row why it refuses it; then its prediction is NaN."""
    try:
        return *model.ask(inputs), {}
    except ValueError:
        pass
    # It refuses all rows because of some.
    answers, causes = [], {}
    for row in range(len(inputs)):
        try:
            answers.append(model.ask(take_rows(inputs, slice(row, row + 1))))
        except ValueError as error:
            causes[row] = str(error)
            answers.append((np.array([np.nan]), None))
    width = max((shares.shape[1] for _, shares in answers if shares is not None), default=0)
    empty = np.full((1, width), np.nan)
    shares = np.concatenate([empty if each is None else each for _, each in answers]) if width else None
    return np.concatenate([predicted for predicted, _ in answers]), shares, causes


def _name_outputs(model: LoadedModel, numbers: list[float]) -> tuple[list[float | Label], list[Interval | None]]:
    """The outputs, classes by their labels, and the interval of each."""
    target, interval = model.schema.target, model.interval
    if target.task != "regression":
        return [target.classes[int(code)] for code in numbers], [None] * len(numbers)
    if interval is None:
        return list(numbers), [None] * len(numbers)
    limits = target.limits
    return list(numbers), [interval.place_around(number, *limits) for number in numbers]


def _name_shares(model: LoadedModel, shares: "Matrix | None") -> dict[str, list[float]]:
    """The probabilities of each class, in the target's order; a class without training rows has 0 in all rows."""
    if shares is None:
        return {}
    names = [write_value(label) for label in model.schema.target.classes]
    columns = {name: [0.0] * len(shares) for name in names}
    for place, code in enumerate(model.estimator.classes_):
        columns[names[int(code)]] = shares[:, place].tolist()
    return columns


def _place(values: list[T] | list[T | None], rows: list[int], count: int) -> list[T | None]:
    """Values at their rows, of so many."""
    if len(rows) == count:
        return list(values)
    placed: list[T | None] = [None] * count
    for row, value in zip(rows, values, strict=True):
        placed[row] = value
    return placed
