"""Compiles the expansion of dates and times, with the same float64 arithmetic as `estimators.date_parts`.

The calendar is that of Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013), `civil_from_days`: years
count from March, so that the day that leap years add is the last one. Missing values stay NaN through all of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from predictor.estimators.date_parts import FIRST_WEEKDAY, PERIODS, SECONDS_OF_A_DAY
from predictor.training.compiling.graph import Columns, Graph, Origin

# From 1 March of the year 0 to 1 January 1970.
DAYS_BEFORE_1970 = 719_468
DAYS_OF_400_YEARS = 146_097


@dataclass(frozen=True)
class Tensor:
    """A tensor of float64 that is computed with as numpy's arrays are."""

    graph: Graph
    name: str

    def __add__(self, other: "Tensor | float") -> "Tensor":
        return self._combine("Add", other)

    def __sub__(self, other: "Tensor | float") -> "Tensor":
        return self._combine("Sub", other)

    def __mul__(self, other: "Tensor | float") -> "Tensor":
        return self._combine("Mul", other)

    def __truediv__(self, other: "Tensor | float") -> "Tensor":
        return self._combine("Div", other)

    def __floordiv__(self, other: float) -> "Tensor":
        return Tensor(self.graph, self.graph.add("Floor", (self / other).name))

    def apply(self, operator: str) -> "Tensor":
        return Tensor(self.graph, self.graph.add(operator, self.name))

    def _combine(self, operator: str, other: "Tensor | float") -> "Tensor":
        name = other.name if isinstance(other, Tensor) else self.graph.constant(float(other))
        return Tensor(self.graph, self.graph.add(operator, self.name, name))


def add_date_parts(graph: Graph, step: Any, columns: Columns) -> Columns:
    """The parts of each column next to each other, in the step's order."""
    parts = _split(Tensor(graph, columns.name), step.kind)
    tensors: dict[tuple[str, str], Tensor] = {}
    wanted: list[tuple[int, tuple[str, str]]] = []
    for column, names in enumerate(step.parts_):
        for name in names:
            for key in [(name, "Sin"), (name, "Cos")] if step.cyclic and name in PERIODS else [(name, "")]:
                wanted.append((column, key))
                if key not in tensors:
                    turns = parts[name] * (2 * np.pi / PERIODS[name]) if key[1] else parts[name]
                    tensors[key] = turns.apply(key[1]) if key[1] else turns
    order = {key: position for position, key in enumerate(tensors)}
    joined = graph.add("Concat", *(tensor.name for tensor in tensors.values()), axis=1)
    chosen = [order[key] * columns.width + column for column, key in wanted]
    name = graph.add("Gather", joined, graph.constant(chosen, np.int64), axis=1)
    scale = 1.0 if step.kind == "date" else float(SECONDS_OF_A_DAY)
    return Columns(
        name=name,
        origins=tuple(
            _scale(columns.origins[column], scale) if key == ("days", "") else None for column, key in wanted
        ),
    )


def _scale(origin: Origin | None, scale: float) -> Origin | None:
    return origin and Origin(column=origin.column, mean=origin.mean, scale=origin.scale * scale)


def _split(values: Tensor, kind: str) -> dict[str, Tensor]:
    days = values if kind == "date" else values / SECONDS_OF_A_DAY
    whole = days.apply("Floor")
    parts = _split_days(whole) | {"days": days} if kind != "time" else {}
    if kind == "date":
        return parts
    seconds = values - whole * SECONDS_OF_A_DAY
    return parts | {"hour": seconds // 3600, "minute_of_day": seconds / 60}


def _split_days(days: Tensor) -> dict[str, Tensor]:
    since = days + DAYS_BEFORE_1970
    era = since // DAYS_OF_400_YEARS
    day_of_era = since - era * DAYS_OF_400_YEARS
    leap_days = day_of_era // 1_460 - day_of_era // 36_524 + day_of_era // 146_096
    year_of_era = (day_of_era - leap_days) // 365
    day_since_march = day_of_era - (year_of_era * 365 + year_of_era // 4 - year_of_era // 100)
    month_since_march = (day_since_march * 5 + 2) // 153
    is_next_year = month_since_march // 10
    year = year_of_era + era * 400 + is_next_year
    is_leap = _count_leap_years(year) - _count_leap_years(year - 1)
    return {
        "year": year,
        "month": month_since_march + 3 - is_next_year * 12,
        "day": day_since_march - (month_since_march * 153 + 2) // 5 + 1,
        "weekday": days + FIRST_WEEKDAY - (days + FIRST_WEEKDAY) // 7 * 7,
        "day_of_year": day_since_march + 60 + is_leap - is_next_year * (is_leap + 365),
    }


def _count_leap_years(year: Tensor) -> Tensor:
    return year // 4 - year // 100 + year // 400
