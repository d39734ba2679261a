"""An ONNX model that was made elsewhere, with an estimator's interface.

Signed pickles name these classes and their fields: do not rename any of them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.estimators.compiled import open_session
from predictor.schema.values import Label

# By onnxruntime's name of a tensor, the type of its numbers.
TYPES: dict[str, type] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}


@dataclass(frozen=True, kw_only=True)
class OnnxInput:
    """One input: its name, onnxruntime's name of its type, and how many columns it takes; 0 where it does not say."""

    name: str
    type: str
    width: int

    def convert(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of shape (n, width) in the input's type. Raises ValueError where that has no missing values."""
        made = TYPES[self.type]
        if issubclass(made, np.floating):
            return np.asarray(values, dtype=made)
        if (values != values).any():
            raise ValueError(f"{self.name!r} is missing, and the model has no missing values there")
        return np.vectorize(str, otypes=[np.object_])(values) if made is np.object_ else values.astype(made)


@dataclass(frozen=True, kw_only=True, eq=False)
class OnnxModel:
    """Takes a matrix, or a table by the names of its columns where the model has one input for each.

    `labels` are its classes, in the order of the probabilities; empty for a regression. `predicted` and
    `probabilities` are the names of its outputs, empty where there is none.
    """

    data: bytes
    producer: str
    inputs: tuple[OnnxInput, ...]
    predicted: str
    probabilities: str = ""
    labels: tuple[Label, ...] = ()

    def __str__(self) -> str:
        return f"ONNX model ({self.producer})" if self.producer else "ONNX model"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_session"}

    @cached_property
    def _session(self) -> Any:
        return open_session(self.data)

    @property
    def classes_(self) -> NDArray[Any]:
        if not self.labels:
            raise AttributeError("this model predicts numbers")
        return np.array(self.labels, dtype=object)

    @property
    def n_features_in_(self) -> int:
        if not all(each.width for each in self.inputs):
            raise AttributeError("this model does not say how many columns it takes")
        return sum(each.width for each in self.inputs)

    @property
    def feature_names_in_(self) -> list[str]:
        if len(self.inputs) == 1:
            raise AttributeError("this model knows no names of columns")
        return [each.name for each in self.inputs]

    def predict(self, table: Any) -> NDArray[Any]:
        """Numbers or labels, shape (n,)."""
        if self.predicted:
            return np.asarray(self._run(self.predicted, table)).reshape(len(table))
        return self.classes_[np.argmax(self._run(self.probabilities, table), axis=1)]

    @property
    def predict_proba(self) -> Any:
        if not self.probabilities:
            raise AttributeError("this model gives no probabilities")
        return lambda table: np.asarray(self._run(self.probabilities, table), dtype=np.float64)

    def _run(self, output: str, table: Any) -> Any:
        return self._session.run([output], self._feed(table))[0]

    def _feed(self, table: Any) -> dict[str, NDArray[Any]]:
        if len(self.inputs) == 1:
            return {self.inputs[0].name: self.inputs[0].convert(np.asarray(table))}
        if hasattr(table, "columns"):
            columns = [np.asarray(table[each.name]) for each in self.inputs]
        else:
            columns = list(np.asarray(table).T)
        pairs = zip(self.inputs, columns, strict=True)
        return {each.name: each.convert(column.reshape(-1, 1)) for each, column in pairs}
