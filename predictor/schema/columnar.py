"""Parses a table by column: accepts, refuses and warns exactly as `Schema.parse` does row by row, in less time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from predictor.exceptions import InvalidValue
from predictor.languages import get_language
from predictor.numbers import LARGEST_INTEGER, MOST_CHARACTERS, NUMBER
from predictor.problems import Problem
from predictor.schema.kinds import Feature, Integer, Number
from predictor.schema.schema import Row, Schema
from predictor.schema.table import Inputs, Table
from predictor.schema.values import Mask, Value, Vector
from predictor.schema.warning import InputWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of these characters, float() reads what NUMBER matches, and nothing else.
IN_NUMBERS = "0123456789+-.eE"
IN_NUMBERS_ENCODED = IN_NUMBERS.encode()
# Equal cells of these types are parsed alike, which 0.0 and -0.0 are not.
REPEATABLE = (str, int, bool)


@dataclass(frozen=True, kw_only=True, eq=False)
class ParsedColumn:
    """n cells of one feature: their values and their codes, shape (n,), and what is wrong or unusual, by position.

    A refused cell has None and NaN.
    """

    values: list[Value]
    codes: Vector
    problems: Mapping[int, Problem]
    warnings: Mapping[int, InputWarning]


@dataclass(frozen=True, kw_only=True, eq=False)
class ParsedColumns:
    """n rows as `Schema.encode` encodes them, and their values by feature name; problems and warnings by row.

    A refused row has a problem for each refused field, and no warnings; what is encoded of it means nothing.
    """

    inputs: Inputs
    values: Mapping[str, list[Value]]
    problems: Mapping[int, dict[str, Problem]]
    warnings: Mapping[int, list[InputWarning]]

    def get_row(self, position: int) -> Row:
        """An accepted row, as `Schema.parse` gives it."""
        values = {name: column[position] for name, column in self.values.items()}
        return Row(values=values, warnings=self.warnings.get(position, []))


def parse_columns(schema: Schema, columns: Mapping[str, Sequence[object]], count: int) -> ParsedColumns:
    """Parse `count` rows, given as the cells of each column by name; a column that is not there is missing in each row.

    Each row equals what `Schema.parse` makes of its cells; nothing is raised.
    """
    nothing = [None] * count
    parsed = [parse_column(feature, columns.get(feature.name, nothing)) for feature in schema.features]
    unknown = schema.refuse_unknown(columns)
    problems: dict[int, dict[str, Problem]] = {row: dict(unknown) for row in range(count)} if unknown else {}
    warnings: dict[int, list[InputWarning]] = {}
    for feature, column in zip(schema.features, parsed, strict=True):
        for row, problem in column.problems.items():
            problems.setdefault(row, {})[feature.name] = problem
    for column in parsed:
        for row, warning in column.warnings.items():
            if row not in problems:
                warnings.setdefault(row, []).append(warning)
    values = {feature.name: column.values for feature, column in zip(schema.features, parsed, strict=True)}
    return ParsedColumns(inputs=_join(schema, parsed, count), values=values, problems=problems, warnings=warnings)


def parse_column(feature: Feature, cells: Sequence[object]) -> ParsedColumn:
    """Parse the cells of one feature: plain numbers all at once, equal texts once."""
    if isinstance(feature, Number | Integer):
        numbers = read_numbers(cells, feature.unit)
        if numbers is not None:
            return _check_numbers(feature, cells, numbers)
    return _parse_cells(feature, cells)


def read_numbers(cells: Sequence[object], unit: str) -> "Vector | None":
    """The cells as float64, shape (n,), with NaN for each that is to be read by itself; None where all are."""
    import numpy as np

    types = set(map(type, cells))
    if types <= {float, int, type(None)}:
        try:
            return np.array([math.nan if cell is None else cell for cell in cells], dtype=np.float64)
        except OverflowError:
            return None
    # A unit like "5" would be taken from a number; with a decimal comma, "1.234" has two readings.
    is_unit_number = bool(unit) and all(character in IN_NUMBERS for character in unit)
    if not types <= {str, type(None)} or is_unit_number or get_language().decimal_mark != ".":
        return None
    texts = [cell if isinstance(cell, str) and len(cell) <= MOST_CHARACTERS else "" for cell in cells]
    if not "".join(texts).encode(errors="replace").translate(None, IN_NUMBERS_ENCODED):
        try:
            return np.array([float(text) if text else math.nan for text in texts], dtype=np.float64)
        except ValueError:
            pass
    return np.array([float(text) if NUMBER.fullmatch(text) else math.nan for text in texts], dtype=np.float64)


def _check_numbers(feature: Number | Integer, cells: Sequence[object], numbers: Vector) -> ParsedColumn:
    """Keep the numbers that are accepted without a warning, and parse each of the others by itself."""
    import numpy as np

    # Adding 0.0 turns −0.0 into 0.0, as `Number.parse` does.
    codes = numbers + 0.0
    unusual = _are_unusual(feature, codes)
    rest: list[int] = np.flatnonzero(unusual).tolist()
    is_integer = isinstance(feature, Integer)
    values: list[Value] = (np.where(unusual, 0, codes).astype(np.int64) if is_integer else codes).tolist()
    others = _parse_cells(feature, [cells[position] for position in rest])
    codes[rest] = others.codes
    for position, value in zip(rest, others.values, strict=True):
        values[position] = value
    return ParsedColumn(
        values=values,
        codes=codes,
        problems={rest[position]: problem for position, problem in others.problems.items()},
        warnings={rest[position]: warning for position, warning in others.warnings.items()},
    )


def _are_unusual(feature: Number | Integer, numbers: Vector) -> Mask:
    """Which numbers may be refused, mean missing or get a warning, shape (n,)."""
    import numpy as np

    unusual: Mask = ~np.isfinite(numbers)
    ends = (feature.minimum, feature.maximum), (feature.seen[:1] or (None,)) + (feature.seen[-1:] or (None,))
    for low, high in ends:
        unusual |= numbers < (-math.inf if low is None else low)
        unusual |= numbers > (math.inf if high is None else high)
    if isinstance(feature, Integer):
        unusual |= (np.floor(numbers) != numbers) | (np.abs(numbers) > LARGEST_INTEGER)
    gaps = [float(text) for text in feature.missing if NUMBER.fullmatch(text)]
    return unusual | np.isin(numbers, gaps) if gaps else unusual


_Cell = tuple[Value, float, Problem | None, InputWarning | None]


def _parse_cells(feature: Feature, cells: Sequence[object]) -> ParsedColumn:
    import numpy as np

    if set(map(type, cells)) == {str}:
        known = {cell: _parse_cell(feature, cell) for cell in set(cells)}
        parsed = [known[cell] for cell in cells]
    else:
        parsed = _parse_mixed(feature, cells)
    return ParsedColumn(
        values=[value for value, _, _, _ in parsed],
        codes=np.array([code for _, code, _, _ in parsed], dtype=np.float64),
        problems={position: problem for position, (_, _, problem, _) in enumerate(parsed) if problem},
        warnings={position: warning for position, (_, _, _, warning) in enumerate(parsed) if warning},
    )


def _parse_mixed(feature: Feature, cells: Sequence[object]) -> list[_Cell]:
    known: dict[object, _Cell] = {}
    parsed = []
    for cell in cells:
        if type(cell) in REPEATABLE:
            key = type(cell), cell  # True and 1 are equal, and not parsed alike.
            if key not in known:
                known[key] = _parse_cell(feature, cell)
            parsed.append(known[key])
        else:
            parsed.append(_parse_cell(feature, cell))
    return parsed


def _parse_cell(feature: Feature, cell: object) -> _Cell:
    try:
        value = feature.parse(cell)
    except InvalidValue as error:
        return None, math.nan, error.problem, None
    return value, feature.encode(value), None, feature.find_warning(value)


def _join(schema: Schema, parsed: Sequence[ParsedColumn], count: int) -> Inputs:
    import numpy as np

    matrix = np.empty((count, len(parsed)), dtype=np.float64)
    for position, column in enumerate(parsed):
        matrix[:, position] = column.codes
    if not schema.text_columns:
        return matrix
    texts: dict[int, NDArray[np.object_]] = {}
    for position in schema.text_columns:
        texts[position] = np.empty(count, dtype=object)
        texts[position][:] = parsed[position].values
    return Table(matrix=matrix, texts=texts)
