"""The cells of one column of a table, as `schema.columnar` reads them: whoever has a table brings them in its form."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from predictor.numbers import MOST_CHARACTERS, NUMBER
from predictor.schema.values import Vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Equal cells of these types are parsed alike, which 0.0 and -0.0 are not.
REPEATABLE = (str, int, bool)


class Cells(Protocol):
    """n cells: texts, numbers, booleans, or None for a missing one."""

    def read_numbers(self, *, texts: bool) -> "Vector | None":
        """The plain numbers as float64, shape (n,), with NaN for each other cell; None where no cell is a number.

        Texts that NUMBER matches are numbers too, where `texts` allows it, as `float` reads them. They may be infinite.
        """

    def take(self, positions: Sequence[int]) -> list[object]:
        """The cells at these positions."""

    def factorize(self) -> "tuple[list[object], NDArray[np.intp]]":
        """The distinct cells, and for each cell its position among them, shape (n,)."""


class ListedCells:
    """Cells of any types in a list."""

    def __init__(self, cells: Sequence[object]) -> None:
        self._cells = cells

    def read_numbers(self, *, texts: bool) -> "Vector | None":
        import numpy as np

        types = set(map(type, self._cells))
        if not types <= {float, int, type(None)} and not (texts and types <= {str, type(None)}):
            return None
        try:
            return np.array([_read_number(cell) for cell in self._cells], dtype=np.float64)
        except OverflowError:
            return None

    def take(self, positions: Sequence[int]) -> list[object]:
        return [self._cells[position] for position in positions]

    def factorize(self) -> "tuple[list[object], NDArray[np.intp]]":
        import numpy as np

        keys = self._cells
        if not set(map(type, keys)) <= {str, type(None)}:
            # True and 1 are equal, and not parsed alike; of other types, each cell counts as distinct.
            keys = [(type(cell), cell if type(cell) in REPEATABLE else place) for place, cell in enumerate(keys)]
        places: dict[object, int] = {}
        found = np.array([places.setdefault(key, len(places)) for key in keys], dtype=np.intp)
        return list(dict(zip(keys, self._cells, strict=True)).values()), found


def _read_number(cell: object) -> float:
    if isinstance(cell, str):
        return float(cell) if len(cell) <= MOST_CHARACTERS and NUMBER.fullmatch(cell) else math.nan
    return math.nan if cell is None else cell  # type: ignore[return-value]  # The types were checked.
