"""Values of inputs and targets: as given, as stored, and as arrays."""

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from predictor.exceptions import InvalidValue
from predictor.numbers import find_written
from predictor.problems import Problem
from predictor.texts import name_type, write_scalar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Value = float | int | str | bool | None
Label = str | int | bool
# Quoted: every command imports this module, and only those that compute should wait for numpy.
Vector: TypeAlias = "NDArray[np.float64]"
Matrix: TypeAlias = "NDArray[np.float64]"
Mask: TypeAlias = "NDArray[np.bool_]"
BOOLEANS = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}
# Longer than any number or boolean as text; choices and labels may be longer.
LONGEST_TEXT = 4_000
SHOWN_CHOICES = 12


def write_value(value: Value) -> str:
    """Write a value as text that `Feature.parse` reads back exactly."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value).removesuffix(".0") if isinstance(value, float) else write_scalar(value)


def read_boolean(raw: str | float) -> bool | None:
    """Read a boolean, also one written as yes or no or as a number; None where it is none."""
    text = find_written(write_given(raw).strip().lower(), BOOLEANS)
    return None if text is None else BOOLEANS[text]


def find_longest(labels: Iterable["Label"]) -> int:
    """The most characters of an input that is one of these: browsers send two for each line end."""
    return max([LONGEST_TEXT, *(2 * len(label) for label in labels if isinstance(label, str))])


def take_scalar(raw: object, longest: int, expect: Callable[[], str]) -> str | float | None:
    """Return an input that is a single value; raises InvalidValue for others, or more than `longest` characters.

    `expect` describes what would be right.
    """
    if isinstance(raw, str):
        if len(raw) > longest:
            raise InvalidValue(Problem(code="too_long", given=raw, expected=expect()))
        return raw
    if raw is None or isinstance(raw, (int, float)):
        return raw
    raise InvalidValue(Problem(code="not_one_value", given=name_type(raw), expected=expect()))


def write_given(raw: str | float) -> str:
    """Write an input as text; adding 0.0 turns −0.0 into 0.0, so that both are the same."""
    return write_scalar(raw + 0.0 if isinstance(raw, float) else raw)


def means_missing(given: str | float, missing: Collection[str]) -> bool:
    """Whether an input is one of the texts that mean missing, or such a number however it is written."""
    return find_written(write_given(given).strip().replace("−", "-"), missing) is not None


def count_equal(matrix: Matrix, row: Vector) -> int:
    """How many rows of a matrix, shape (n, features), are equal to `row`, (features,); NaN is equal to NaN.

    In Fortran's order, it takes a tenth of the time: hardly any row is looked at beyond the first column.
    """
    import numpy as np

    def compare(column: Vector, value: float) -> Mask:
        return np.isnan(column) if np.isnan(value) else column == value

    rows = np.flatnonzero(compare(matrix[:, 0], row[0]))
    for position, value in enumerate(row[1:], start=1):
        rows = rows[compare(matrix[rows, position], value)]
    return len(rows)


def recode(codes: Vector, table: "NDArray[Any]") -> "NDArray[Any]":
    """Replace each code, shape (n,), counted from 0, by its entry in `table`, (codes + 1,), and NaN by the last one."""
    import numpy as np

    return table[np.where(np.isnan(codes), -1, codes).astype(np.int64)]
