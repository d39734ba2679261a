"""Predicts for a table's rows by column; a row that is refused, or has no answer, has an error instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from predictor.answering.loaded import LoadedModel
from predictor.exceptions import InvalidInput, NoAnswer
from predictor.languages import ENGLISH, use_language
from predictor.schema.cells import Cells
from predictor.schema.columnar import ParsedColumns, parse_columns
from predictor.schema.table import Inputs, take_rows
from predictor.schema.values import Matrix, Vector

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredColumns:
    """n rows with their answers, by column; a row without one has NaN in all of them, and an error.

    `predicted` are numbers or codes of classes, shape (n,); `lower` and `upper` the ends of the interval, (n,), NaN
    where there is none; `shares` the probabilities of the target's classes, (n, classes), where the model gives them.
    `warnings`, as sentences, and `errors` are by row. `kinds` has what is wrong with each row that has an error, as
    pairs of a field, which may be empty, and a code.
    """

    predicted: Vector
    lower: Vector
    upper: Vector
    shares: "Matrix | None"
    warnings: Mapping[int, Sequence[str]]
    errors: Mapping[int, str]
    kinds: Mapping[int, Sequence[tuple[str, str]]]

    def __len__(self) -> int:
        return len(self.predicted)


def score_columns(
    model: LoadedModel, columns: Mapping[str, Cells], wrong: Mapping[int, str], *, count: int
) -> tuple[ScoredColumns, ParsedColumns]:
    """Parse and predict `count` rows; what was parsed is for those who store the answers.

    `columns` are the cells of features by name; `wrong` has an error for each row that is none, by position.
    """
    parsed = parse_columns(model.schema, columns, count)
    errors, kinds = _list_errors(parsed, wrong)
    places = np.setdiff1d(np.arange(count), list(kinds)) if kinds else np.arange(count)
    predicted, shares, causes = _ask(model, take_rows(parsed.inputs, places) if kinds else parsed.inputs)
    is_answered = np.isfinite(predicted) if shares is None else np.isfinite(predicted) & np.isfinite(shares).all(axis=1)
    for place in np.flatnonzero(~is_answered).tolist():
        row = int(places[place])
        errors[row], kinds[row] = str(NoAnswer(causes.get(place, ""))), [("", "no_answer")]
    predicted = _place(np.where(is_answered, predicted, np.nan), places, count)
    lower, upper = _find_ends(model, predicted)
    if shares is not None:
        shares = _place(np.where(is_answered[:, np.newaxis], _order_shares(model, shares), np.nan), places, count)
    with use_language(ENGLISH):
        answered = ((row, each) for row, each in parsed.warnings.items() if row not in kinds)
        warnings = {row: model.schema.write_warnings(each) for row, each in answered}
    scored = ScoredColumns(
        predicted=predicted,
        lower=lower,
        upper=upper,
        shares=shares,
        warnings=warnings,
        errors=errors,
        kinds=kinds,
    )
    return scored, parsed


def _list_errors(
    parsed: ParsedColumns, wrong: Mapping[int, str]
) -> tuple[dict[int, str], dict[int, Sequence[tuple[str, str]]]]:
    errors = {row: str(InvalidInput(problems)) for row, problems in parsed.problems.items()}
    kinds: dict[int, Sequence[tuple[str, str]]] = {
        row: [(name, problem.code) for name, problem in problems.items()] for row, problems in parsed.problems.items()
    }
    return {**errors, **wrong}, kinds | dict.fromkeys(wrong, (("", "wrong_length"),))


def _ask(model: LoadedModel, inputs: Inputs) -> "tuple[Vector, Matrix | None, dict[int, str]]":
    """What the estimator predicts, as `LoadedModel.ask`, and by row why it refuses it; then its prediction is NaN."""
    if not len(inputs):
        return np.empty(0), None, {}
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


def _find_ends(model: LoadedModel, predicted: Vector) -> tuple[Vector, Vector]:
    if model.interval is None or model.schema.target.task != "regression":
        return np.full_like(predicted, np.nan), np.full_like(predicted, np.nan)
    return model.interval.place_around_all(predicted, *model.schema.target.limits)


def _order_shares(model: LoadedModel, shares: Matrix) -> Matrix:
    """Probabilities in the target's order of classes; a class without training rows has 0 in all rows."""
    ordered = np.zeros((len(shares), len(model.schema.target.classes)))
    ordered[:, [int(code) for code in model.estimator.classes_]] = shares
    return ordered


def _place(values: "NDArray[np.float64]", places: "NDArray[np.intp]", count: int) -> "NDArray[np.float64]":
    """Values at their rows, of so many; the others are NaN."""
    if len(places) == count:
        return values
    placed = np.full((count, *values.shape[1:]), np.nan)
    placed[places] = values
    return placed
