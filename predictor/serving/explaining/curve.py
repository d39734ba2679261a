"""What a model would answer if one input were another: the curve of individual conditional expectation.

Source: Goldstein, Kapelner, Bleich & Pitkin 2015, "Peeking inside the black box: visualizing statistical learning with
plots of individual conditional expectation". As for a trial, nothing of it is stored.
"""

from dataclasses import dataclass

import numpy as np

from predictor.exceptions import NoAnswer
from predictor.schema.kinds import Boolean, Category, Feature, Integer
from predictor.schema.table import Inputs, Table, take_rows
from predictor.schema.text import Text
from predictor.schema.values import Label, Vector, write_value
from predictor.serving.explaining.measures import CannotExplain
from predictor.serving.runtime import Runtime

STEPS, MOST_CHOICES = 40, 30


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The answers at some values of one feature, as the schema encodes them; `own` is the position of the row's own.

    The heights are numbers, or probabilities of the class that was the answer. None has a value without an answer.
    """

    feature: Feature
    places: tuple[float, ...]
    heights: tuple[float | None, ...]
    own: int | None


def trace_curve(runtime: Runtime, row: Inputs, name: str, output: float | Label) -> Curve:
    """Answer one row with other values of a feature. Raises LookupError for no such feature, and CannotExplain."""
    position = runtime.schema.names.index(name) if name in runtime.schema.names else None
    if position is None:
        raise LookupError(name)
    feature = runtime.schema.features[position]
    own = float((row.matrix if isinstance(row, Table) else row)[0, position])
    places = _choose_places(feature, own)
    heights = _answer(runtime, _replace(row, position, places), output)
    found = np.flatnonzero(places == own)
    return Curve(
        feature=feature,
        places=tuple(places.tolist()),
        heights=tuple(heights),
        own=int(found[0]) if len(found) else None,
    )


def has_curve(feature: Feature) -> bool:
    """Whether an input has a range or choices."""
    if isinstance(feature, Category):
        return len(feature.choices) <= MOST_CHOICES
    return not isinstance(feature, Text) and (isinstance(feature, Boolean) or bool(feature.seen))


def _choose_places(feature: Feature, own: float) -> Vector:
    """Values over the range seen in training, the row's own among them."""
    if not has_curve(feature):
        raise CannotExplain("no_range")
    if isinstance(feature, Category):
        return np.arange(len(feature.choices), dtype=np.float64)
    if isinstance(feature, Boolean):
        return np.array([0.0, 1.0])
    ends = [float(feature.seen[0]), float(feature.seen[-1]), *([own] if np.isfinite(own) else [])]
    places = np.linspace(min(ends), max(ends), STEPS + 1)
    if isinstance(feature, Integer) or feature.kind == "date":
        places = np.round(places)
    return np.unique([*places, *ends])


def _replace(row: Inputs, position: int, places: Vector) -> Inputs:
    """The row with each place in turn in one column."""
    repeated = take_rows(row, np.zeros(len(places), dtype=np.int64))
    (repeated.matrix if isinstance(repeated, Table) else repeated)[:, position] = places
    return repeated


def _answer(runtime: Runtime, rows: Inputs, output: float | Label) -> list[float | None]:
    try:
        answers = runtime.predict(rows)
    except NoAnswer:
        if len(rows) == 1:
            return [None]
        return [height for place in range(len(rows)) for height in _answer(runtime, take_rows(rows, [place]), output)]
    if runtime.schema.target.task == "regression":
        return [float(answer.output) for answer in answers]
    if answers[0].probabilities is None:
        raise CannotExplain("no_probabilities")
    return [(answer.probabilities or {})[write_value(output)] for answer in answers]
