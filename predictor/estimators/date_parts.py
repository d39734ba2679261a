"""Expands dates and times into the parts that models can use.

Signed pickles name this class, its module and its fields: do not rename any of them.
"""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from predictor.schema.values import Matrix, Vector

SECONDS_OF_A_DAY = 86_400
MINUTES_OF_A_DAY = 1_440
# 1 January 1970 was a Thursday, three days after a Monday.
FIRST_WEEKDAY = 3
# How long it takes until a part comes round again, in its own unit; a part without such a time only goes on.
PERIODS = {"month": 12, "day": 31, "weekday": 7, "day_of_year": 365.25, "hour": 24, "minute_of_day": MINUTES_OF_A_DAY}


class DateParts(TransformerMixin, BaseEstimator):
    """Turn each column of dates, times or both, as the schema encodes them, into the parts that vary in training.

    These are year, month, day of the month, weekday (Monday is 0), day of the year, hour, minute of the day with its
    fraction, and the days since 1970. With `cyclic`, a part that comes round again is its sine and cosine, so that 31
    December is next to 1 January, as linear models need it. Missing values stay missing in all parts.
    """

    def __init__(self, kind: str = "date", cyclic: bool = False) -> None:
        self.kind = kind
        self.cyclic = cyclic

    def fit(self, matrix: Matrix, target: Any = None) -> Self:
        """Find the parts that vary, for a matrix of shape (n, columns)."""
        self.n_features_in_ = matrix.shape[1]
        self.parts_ = [self._find_varying(values) for values in np.asarray(matrix).T]
        return self

    def transform(self, matrix: Matrix) -> Matrix:
        """The parts of each column next to each other, shape (n, parts)."""
        check_is_fitted(self)
        columns = zip(np.asarray(matrix).T, self.parts_, strict=True)
        expanded = [each for values, names in columns for each in self._expand(values, names)]
        return np.column_stack(expanded)

    def _find_varying(self, values: Vector) -> list[str]:
        parts = split_parts(values, self.kind)
        varying = [name for name, part in parts.items() if len(np.unique(part[~np.isnan(part)])) > 1]
        return varying or list(parts)[-1:]

    def _expand(self, values: Vector, names: list[str]) -> list[Vector]:
        parts = split_parts(values, self.kind)
        expanded: list[Vector] = []
        for name in names:
            if self.cyclic and name in PERIODS:
                turns = parts[name] * (2 * np.pi / PERIODS[name])
                expanded += [np.sin(turns), np.cos(turns)]
            else:
                expanded.append(parts[name])
        return expanded

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def split_parts(values: Vector, kind: str) -> dict[str, Vector]:
    """The parts of dates (days since 1970), dates with a time (seconds since then) or times (seconds since midnight).

    `values` and each part have shape (n,); the part that only goes on is the last one.
    """
    missing = np.isnan(values)
    known = np.where(missing, 0.0, values)
    days = np.floor(known if kind == "date" else known / SECONDS_OF_A_DAY)
    parts: dict[str, Any] = {}
    if kind != "time":
        parts |= _split_days(days.astype(np.int64))
    if kind != "date":
        seconds = known - days * SECONDS_OF_A_DAY
        parts |= {"hour": np.floor(seconds / 3600), "minute_of_day": seconds / 60}
    if kind != "time":
        parts["days"] = known if kind == "date" else known / SECONDS_OF_A_DAY
    return {name: np.where(missing, np.nan, part) for name, part in parts.items()}


def _split_days(days: Any) -> dict[str, Any]:
    dates = days.astype("datetime64[D]")
    months, years = dates.astype("datetime64[M]"), dates.astype("datetime64[Y]")
    return {
        "year": years.astype(np.int64) + 1970,
        "month": months.astype(np.int64) % 12 + 1,
        "day": (dates - months).astype(np.int64) + 1,
        "weekday": (days + FIRST_WEEKDAY) % 7,
        "day_of_year": (dates - years).astype(np.int64) + 1,
    }
