"""Makes answers of what an estimator predicts: with the interval of a number, or the probabilities of classes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from predictor.answering.warnings import describe_warnings, hide_warnings
from predictor.exceptions import NoAnswer
from predictor.history.hiding import hide_inputs
from predictor.record.interval import MeasuredInterval
from predictor.schema.schema import Row, Schema
from predictor.schema.target import Target
from predictor.schema.values import Label, Matrix, write_value


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A number with the bounds of its interval, or the label of a class with the probability of each class.

    Interval and probabilities are None where the version has none.
    """

    output: float | Label
    interval: tuple[float, float] | None = None
    probabilities: dict[str, float] | None = None


def describe_answer(schema: Schema, row: Row, answer: Answer) -> dict[str, Any]:
    """The stored columns of a row and its answer, without sensitive inputs; sentences are stored in English."""
    inputs, hashed = hide_inputs(schema, row)
    return {
        "inputs": inputs,
        "hashed_inputs": hashed,
        "output": answer.output,
        "probabilities": answer.probabilities,
        "interval": answer.interval,
        **describe_warnings(schema, hide_warnings(schema, row.warnings)),
    }


def add_intervals(numbers: list[float], interval: MeasuredInterval | None, target: Target) -> list[Answer]:
    """Answer with each number and the bounds of its interval, within the target's limits."""
    if interval is None:
        return [Answer(output=number) for number in numbers]
    limits = target.limits
    return [Answer(output=number, interval=interval.place_around(number, *limits)) for number in numbers]


def name_classes(codes: list[float], target: Target, shares: Sequence[dict[str, float]] | None = None) -> list[Answer]:
    """Answer with the label of each code, a class's position in the target, and with `shares`, its probabilities."""
    labels = [target.classes[int(code)] for code in codes]
    if shares is None:
        return [Answer(output=label) for label in labels]
    return [Answer(output=label, probabilities=each) for label, each in zip(labels, shares, strict=True)]


def list_shares(probabilities: Matrix, trained: Iterable[Any], target: Target) -> list[dict[str, float]]:
    """The probability of each class by its label, one dict for each row of `probabilities`, shape (n, columns).

    `trained` are the codes of the columns' classes; a class without training rows has none: its probability is 0.
    Raises NoAnswer where one is not finite.
    """
    names = [write_value(label) for label in target.classes]
    columns = [names[int(code)] for code in trained]
    none = dict.fromkeys(names, 0.0)
    return [none | dict(zip(columns, row, strict=True)) for row in check_finite(probabilities)]


def check_finite(numbers: Matrix) -> list[Any]:
    """The numbers as lists; raises NoAnswer where one of them is not finite."""
    if not np.isfinite(numbers).all():
        raise NoAnswer
    return numbers.tolist()
