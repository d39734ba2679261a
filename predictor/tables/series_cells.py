"""The cells of a polars column, as `schema.columnar` reads them."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import polars as pl

from predictor.numbers import MOST_CHARACTERS
from predictor.schema.cells import ListedCells
from predictor.schema.values import Vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SeriesCells:
    """Cells of texts, numbers or booleans; `gaps` are texts that mean missing, none of which is a number."""

    def __init__(self, series: pl.Series, gaps: Collection[object]) -> None:
        self._series, self._gaps = series, gaps

    def read_numbers(self, *, texts: bool) -> "Vector | None":
        series = self._series
        if series.dtype == pl.String:
            if not texts:
                return None
            # polars reads what NUMBER matches, to the same bit as `float`; besides only infinities and NaN.
            numbers = series.cast(pl.Float64, strict=False)
            return numbers.set(series.str.len_bytes() > MOST_CHARACTERS, None).to_numpy()
        return series.cast(pl.Float64).to_numpy() if series.dtype.is_numeric() else None

    def take(self, positions: Sequence[int]) -> list[object]:
        return self._clear(self._series.gather(list(positions)).to_list())

    def factorize(self) -> "tuple[list[object], NDArray[np.intp]]":
        distinct, places = ListedCells(self._series.to_list()).factorize()
        return self._clear(distinct), places

    def _clear(self, cells: Sequence[object]) -> list[object]:
        return [None if cell in self._gaps else cell for cell in cells]
