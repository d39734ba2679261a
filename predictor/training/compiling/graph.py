"""Builds the graph of a compiled model: every number in it is a float64, as in scikit-learn."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from predictor.estimators.bag_of_words import BagOfWords
from predictor.estimators.imported import FrameColumn
from predictor.exceptions import MlsiteError

OPSET = 18
# Version 5 of ai.onnx.ml is the first whose trees take and give float64.
TREE_DOMAIN, TREE_OPSET = "ai.onnx.ml", 5
# The version of both opsets; a newer onnx would write one that an older onnxruntime refuses.
IR_VERSION = 10
INPUT, SCORES = "inputs", "scores"


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

    `choices` has, for columns of codes from −1 on, the number of codes from 0 on, where it is known. `names` are those
    of a DataFrame's columns.
    """

    name: str
    origins: tuple[Origin | None, ...]
    choices: dict[int, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()

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
    """Collects nodes and constants. `refusals` are tensors, (n, 1): NaN for a row that is refused, else 0.

    `texts` are the columns of its input that are texts. What they add is computed before, from its `bags`. `frame` has
    the columns of the DataFrame that an imported model takes, else nothing.
    """

    def __init__(self, texts: Collection[int] = (), frame: Sequence[FrameColumn] = ()) -> None:
        self.texts, self.frame = texts, frame
        self.bags: list[BagOfWords] = []
        self._codes = {
            column: {word: code for code, word in enumerate(each.choices)}
            for column, each in enumerate(frame)
            if each.kind == "category"
        }
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

    def add_inputs(self, features: int) -> Columns:
        """The columns of the input. In a DataFrame, categories other than the choices are missing."""
        name = INPUT
        if self._codes:
            others = [len(self._codes[column]) if column in self._codes else np.nan for column in range(features)]
            name = self.add("Where", self.add("Equal", name, self.constant([others])), self.constant([[np.nan]]), name)
        origins = tuple(Origin(column=column) for column in range(features))
        return Columns(name=name, origins=origins, names=tuple(each.name for each in self.frame))

    def encode(self, columns: Columns, position: int, values: Any) -> NDArray[np.float64]:
        """Values that a step has for a column, shape (k,), as numbers: words of a DataFrame by their codes.

        Words that the column lacks get codes of their own.
        """
        origin = columns.origins[position]
        codes = self._codes.get(origin.column) if origin else None
        if codes is None:
            return np.asarray(values, dtype=np.float64)
        # The first code after those of the choices stands for other words.
        return np.array(
            [codes.setdefault(each, len(codes) + 1) if isinstance(each, str) else np.nan for each in values]
        )

    def add_bag(self, bag: BagOfWords) -> str:
        """The scores of a bag of words, shape (n, outputs), which are given to the graph."""
        start = sum(each.outputs for each in self.bags)
        self.bags.append(bag)
        return self.add("Gather", SCORES, self.constant(range(start, start + bag.outputs), np.int64), axis=1)

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
        widths = {INPUT: features} | ({SCORES: sum(bag.outputs for bag in self.bags)} if self.bags else {})
        made = helper.make_graph(
            self.nodes,
            "model",
            [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", width]) for name, width in widths.items()],
            [helper.make_tensor_value_info(name, TensorProto.DOUBLE, shapes[name]) for name in tensors],
            self.constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(TREE_DOMAIN, TREE_OPSET)]
        model = helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="mlsite")
        bags = {"bags": msgspec.json.encode(self.bags).decode()} if self.bags else {}
        helper.set_model_props(model, {"classes": ",".join(map(str, classes)), **bags})
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
