"""Builds the graph of a compiled model: every number in it is a float64, as in scikit-learn."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from predictor.exceptions import MlsiteError

OPSET = 18
# Version 5 of ai.onnx.ml is the first whose trees take and give float64.
TREE_DOMAIN, TREE_OPSET = "ai.onnx.ml", 5
# The version of both opsets; a newer onnx would write one that an older onnxruntime refuses.
IR_VERSION = 10
INPUT = "inputs"


class NotCompiled(MlsiteError):
    """Its message says, as a sentence without its full stop, why there is no compiled model."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a column of numbers comes from: `value * scale + mean` is the value in column `column` of the matrix."""

    column: int
    mean: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Columns:
    """A tensor of float64, shape (n, width), with the origin of each column that has one.

    `choices` has, for columns of codes from −1 on, the number of codes from 0 on, where it is known.
    """

    name: str
    origins: tuple[Origin | None, ...]
    choices: dict[int, int] = field(default_factory=dict)

    @property
    def width(self) -> int:
        return len(self.origins)


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """A predictor's outputs: `numbers`, (n, 1), or `codes` (int64 positions of classes, (n,)) and perhaps
    `probabilities`, (n, classes). `splits` are the values at which trees split each of its columns."""

    numbers: str = ""
    codes: str = ""
    probabilities: str = ""
    splits: dict[int, NDArray[np.float64]] = field(default_factory=dict)


class Graph:
    """Collects nodes and constants. `refusals` are tensors, (n, 1): NaN for a row that is refused, else 0."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.refusals: list[str] = []

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Append a node and return the name of its one output."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], domain=domain, **attributes))
        return name

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name))
        return name

    def gather(self, columns: Columns, wanted: list[int]) -> Columns:
        """The wanted columns, in this order."""
        if wanted == list(range(columns.width)):
            return columns
        name = self.add("Gather", columns.name, self.constant(wanted, np.int64), axis=1)
        return Columns(name=name, origins=tuple(columns.origins[each] for each in wanted))

    def refuse_non_finite(self, name: str) -> None:
        """Refuse rows where a number is missing or infinite, as estimators that check their input do."""
        nothing = self.add("Sub", name, name)  # NaN for what is not finite.
        self.refusals.append(self.add("ReduceSum", nothing, self.constant([1], np.int64), keepdims=1))

    def refuse_where(self, condition: str) -> None:
        """Refuse the rows where a boolean tensor, (n, 1), is true."""
        self.refusals.append(self.add("Where", condition, self.constant([[np.nan]]), self.constant([[0.0]])))

    def finish(self, predicted: Predicted, *, features: int, classes: list[int]) -> bytes:
        """Write the model: `predicted`, (n,), numbers or class codes, and perhaps `probabilities`, (n, classes)."""
        if predicted.codes:
            codes = self.add("Gather", self.constant(classes), predicted.codes)
            numbers = self.add("Reshape", codes, self.constant([-1, 1], np.int64))
        else:
            numbers = predicted.numbers
        tensors = {"predicted": numbers} | (
            {"probabilities": predicted.probabilities} if predicted.probabilities else {}
        )
        for output, tensor in tensors.items():
            self._name_output(output, self._add_refusals(tensor))
        shapes: dict[str, list[str | int | None]] = {"predicted": ["n", 1], "probabilities": ["n", len(classes)]}
        made = helper.make_graph(
            self.nodes,
            "model",
            [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, ["n", features])],
            [helper.make_tensor_value_info(name, TensorProto.DOUBLE, shapes[name]) for name in tensors],
            self.constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(TREE_DOMAIN, TREE_OPSET)]
        model = helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="mlsite")
        helper.set_model_props(model, {"classes": ",".join(map(str, classes))})
        try:
            return bytes(model.SerializeToString())
        except ValueError as error:  # protobuf writes nothing of 2 GB or more.
            raise NotCompiled(f"the compiled model would be too large: {error}") from error

    def _add_refusals(self, tensor: str) -> str:
        for refusal in self.refusals:
            tensor = self.add("Add", tensor, refusal)
        return tensor

    def _name_output(self, output: str, tensor: str) -> None:
        self.nodes.append(helper.make_node("Identity", [tensor], [output]))
