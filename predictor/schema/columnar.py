"""Parses a table by column: accepts, refuses and warns exactly as `Schema.parse` does row by row, in less time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from predictor.exceptions import InvalidValue
from predictor.languages import get_language
from predictor.numbers import LARGEST_INTEGER, NUMBER
from predictor.problems import Problem
from predictor.schema.cells import Cells, ListedCells
from predictor.schema.kinds import Feature, Integer, Number
from predictor.schema.schema import Row, Schema
from predictor.schema.table import Inputs, Table
from predictor.schema.values import Mask, Value, Vector
from predictor.schema.warning import InputWarning

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")
# The characters of numbers: a unit of these alone would be taken from one.
IN_NUMBERS = "0123456789+-.eE"


@dataclass(frozen=True, kw_only=True, eq=False)
class ParsedColumn:
    """n cells of one feature: their codes, shape (n,), and what is wrong or unusual, by position.

    A refused cell has the code NaN. Values of numbers are their codes; of other kinds, `distinct` has the different
    values, and `places` the position there of each, shape (n,).
    """

    feature: Feature
    codes: Vector
    problems: Mapping[int, Problem]
    warnings: Mapping[int, InputWarning]
    distinct: Sequence[Value] = ()
    places: "NDArray[np.intp] | None" = None

    def list_values(self) -> list[Value]:
        """The values; a missing or refused one is None."""
        if self.places is not None:
            return [self.distinct[place] for place in self.places.tolist()]
        return [self._read_code(code) for code in self.codes.tolist()]

    def get_value(self, position: int) -> Value:
        return (
            self._read_code(float(self.codes[position]))
            if self.places is None
            else self.distinct[self.places[position]]
        )

    def _read_code(self, code: float) -> Value:
        if math.isnan(code):
            return None
        return int(code) if isinstance(self.feature, Integer) else code


@dataclass(frozen=True, kw_only=True, eq=False)
class ParsedColumns:
    """n rows as `Schema.encode` encodes them, and their columns by feature name; problems and warnings by row.

    A refused row has a problem for each refused field, and no warnings; what is encoded of it means nothing.
    """

    inputs: Inputs
    columns: Mapping[str, ParsedColumn]
    problems: Mapping[int, dict[str, Problem]]
    warnings: Mapping[int, list[InputWarning]]

    def __len__(self) -> int:
        return len(self.inputs)

    def get_row(self, position: int) -> Row:
        """An accepted row, as `Schema.parse` gives it."""
        values = {name: column.get_value(position) for name, column in self.columns.items()}
        return Row(values=values, warnings=self.warnings.get(position, []))


def parse_columns(schema: Schema, columns: Mapping[str, Cells], count: int) -> ParsedColumns:
    """Parse `count` rows, given as the cells of each column by name; a column that is not there is missing in each row.

    Each row equals what `Schema.parse` makes of its cells; nothing is raised.
    """
    nothing = ListedCells([None] * count)
    parsed = {each.name: parse_column(each, columns.get(each.name, nothing)) for each in schema.features}
    unknown = schema.refuse_unknown(columns)
    problems: dict[int, dict[str, Problem]] = {row: dict(unknown) for row in range(count)} if unknown else {}
    warnings: dict[int, list[InputWarning]] = {}
    for name, column in parsed.items():
        for row, problem in column.problems.items():
            problems.setdefault(row, {})[name] = problem
    for column in parsed.values():
        for row, warning in column.warnings.items():
            if row not in problems:
                warnings.setdefault(row, []).append(warning)
    return ParsedColumns(inputs=_join(schema, parsed, count), columns=parsed, problems=problems, warnings=warnings)


def parse_column(feature: Feature, cells: Cells) -> ParsedColumn:
    """Parse the cells of one feature: plain numbers all at once, equal cells once."""
    if isinstance(feature, Number | Integer):
        # A unit like "5" would be taken from a number; with a decimal comma, "1.234" has two readings.
        is_unit_number = bool(feature.unit) and all(character in IN_NUMBERS for character in feature.unit)
        numbers = cells.read_numbers(texts=not is_unit_number and get_language().decimal_mark == ".")
        if numbers is not None:
            return _check_numbers(feature, cells, numbers)
    return _parse_distinct(feature, *cells.factorize())


def _check_numbers(feature: Number | Integer, cells: Cells, numbers: Vector) -> ParsedColumn:
    """Keep the numbers that are accepted without a warning, and parse each of the others by itself."""
    import numpy as np

    # Adding 0.0 turns −0.0 into 0.0, as `Number.parse` does.
    codes = numbers + 0.0
    rest: list[int] = np.flatnonzero(_are_unusual(feature, codes)).tolist()
    others = [_parse_cell(feature, cell) for cell in cells.take(rest)]
    codes[rest] = [code for _, code, _, _ in others]
    return ParsedColumn(
        feature=feature,
        codes=codes,
        problems={place: problem for place, (_, _, problem, _) in zip(rest, others, strict=True) if problem},
        warnings={place: warning for place, (_, _, _, warning) in zip(rest, others, strict=True) if warning},
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


def _parse_distinct(feature: Feature, distinct: Sequence[object], places: "NDArray[np.intp]") -> ParsedColumn:
    import numpy as np

    parsed = [_parse_cell(feature, cell) for cell in distinct]
    return ParsedColumn(
        feature=feature,
        codes=np.array([code for _, code, _, _ in parsed], dtype=np.float64)[places],
        problems=_spread([problem for _, _, problem, _ in parsed], places),
        warnings=_spread([warning for _, _, _, warning in parsed], places),
        distinct=[value for value, _, _, _ in parsed],
        places=None if isinstance(feature, Number | Integer) else places,
    )


def _parse_cell(feature: Feature, cell: object) -> _Cell:
    try:
        value = feature.parse(cell)
    except InvalidValue as error:
        return None, math.nan, error.problem, None
    return value, feature.encode(value), None, feature.find_warning(value)


def _spread(found: Sequence[T | None], places: "NDArray[np.intp]") -> dict[int, T]:
    """What was found of distinct cells, by the position of each cell that has something."""
    import numpy as np

    is_found = np.array([each is not None for each in found], dtype=bool)
    if not is_found.any():
        return {}
    positions: list[int] = np.flatnonzero(is_found[places]).tolist()
    return {position: each for position in positions if (each := found[places[position]]) is not None}


def _join(schema: Schema, parsed: Mapping[str, ParsedColumn], count: int) -> Inputs:
    import numpy as np

    matrix = np.empty((count, len(parsed)), dtype=np.float64)
    for position, column in enumerate(parsed.values()):
        matrix[:, position] = column.codes
    if not schema.text_columns:
        return matrix
    texts: dict[int, NDArray[np.object_]] = {}
    for position, name in schema.text_columns.items():
        texts[position] = np.empty(count, dtype=object)
        texts[position][:] = parsed[name].list_values()
    return Table(matrix=matrix, texts=texts)
