"""Rows of inputs that contain texts, by position: numbers in a matrix, and texts next to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from predictor.schema.values import Matrix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Texts: TypeAlias = "Mapping[int, NDArray[np.object_]]"


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """n rows: a float64 matrix of shape (n, features), and the columns of texts, each of shape (n,), by position.

    In the matrix, texts are NaN; in a column of texts, None stands for a missing one.
    """

    matrix: Matrix
    texts: Texts

    def __len__(self) -> int:
        return len(self.matrix)

    def take(self, rows: Any) -> "Table":
        """The chosen rows: a slice, positions, or a mask of shape (n,)."""
        return Table(matrix=self.matrix[rows], texts={column: values[rows] for column, values in self.texts.items()})

    def to_input(self) -> "NDArray[np.object_]":
        """What an estimator gets: numbers and texts by position, shape (n, features), or the only column, (n,).

        A missing text is an empty one, since vectorisers take nothing else.
        """
        import numpy as np

        filled = {
            column: np.array(["" if text is None else text for text in texts], dtype=object)
            for column, texts in self.texts.items()
        }
        if self.matrix.shape[1] == len(filled) == 1:
            return filled[0]
        rows = self.matrix.astype(object)
        for column, texts in filled.items():
            rows[:, column] = texts
        return rows


Inputs: TypeAlias = "Matrix | Table"


def to_input(inputs: Any) -> Any:
    """What an estimator gets: a matrix as it is, and the input that a table makes."""
    return inputs.to_input() if isinstance(inputs, Table) else inputs


def get_matrix(inputs: Inputs) -> Matrix:
    """The numbers, shape (n, features); texts are NaN there."""
    return inputs.matrix if isinstance(inputs, Table) else inputs


def take_rows(inputs: Inputs, rows: Any) -> Inputs:
    """The chosen rows of a matrix or a table: a slice, positions, or a mask."""
    return inputs.take(rows) if isinstance(inputs, Table) else inputs[rows]
