"""Opens a compiled model up: what its trees are given, its score before the last function, and the trees themselves.

`onnx` is imported here alone in a process that serves, when the first answer is explained: 12 MB.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.estimators.bag_of_words import BagOfWords
from predictor.estimators.compiled import open_session
from predictor.schema.table import Inputs, Table
from predictor.schema.values import Matrix

# What makes probabilities of scores.
LINKS = ("Sigmoid", "Softmax")
TREES = "TreeEnsemble"


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """A compiled model up to one of its tensors, of shape (n, width)."""

    session: Any
    bags: list[BagOfWords]

    def run(self, inputs: Inputs) -> Matrix:
        """The tensor for n rows."""
        known = {each.name for each in self.session.get_inputs()}
        given = {"inputs": inputs.matrix if isinstance(inputs, Table) else inputs}
        if isinstance(inputs, Table) and "scores" in known:
            given["scores"] = _score_once(self.bags, inputs)
        [tensor] = self.session.run(None, {name: given[name] for name in given if name in known})
        return np.asarray(tensor, dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Opened:
    """A compiled model in parts, each None where it has no such part.

    `output` are its probabilities, or the numbers that it predicts, where there are texts. `scores` are what becomes
    probabilities, and `columns` what its trees are given. `attributes` are those of the TreeEnsemble node. `shares` has
    a row of probabilities for each leaf of a forest of classes.
    """

    output: Part | None = None
    scores: Part | None = None
    columns: Part | None = None
    attributes: dict[str, NDArray[Any]] | None = None
    shares: "Matrix | None" = None


def open_model(data: bytes | bytearray, bags: list[BagOfWords]) -> Opened:
    """Open the bytes of a compiled model. Only one with a single TreeEnsemble has trees here."""
    import onnx

    model = onnx.load_model_from_string(bytes(data))
    nodes = list(model.graph.node)
    ensembles = [position for position, node in enumerate(nodes) if node.op_type == TREES]
    links = [position for position, node in enumerate(nodes) if node.op_type in LINKS]
    # The last node names the last output. Without texts, the model itself is as quick.
    output = _cut(model, len(nodes) - 1, bags) if bags else None
    scores = _cut(model, links[-1], bags) if links else None
    if len(ensembles) != 1:
        return Opened(output=output, scores=scores)
    [position] = ensembles
    return Opened(
        output=output,
        scores=scores,
        columns=_cut(model, position, bags),
        attributes={each.name: _read_attribute(each) for each in nodes[position].attribute},
        shares=_find_shares(model, nodes[position].output[0]),
    )


def _score_once(bags: list[BagOfWords], table: Table) -> Matrix:
    """The scores of texts, as `score_texts` gives them: hybrids have few different ones, which may be long."""
    parts = []
    for bag in bags:
        texts = table.texts[bag.column]
        places = {text: place for place, text in enumerate(dict.fromkeys(texts.tolist()))}
        scores = bag.score(np.array(list(places), dtype=object))
        parts.append(scores[[places[text] for text in texts.tolist()]])
    return np.hstack(parts)


def _cut(model: Any, position: int, bags: list[BagOfWords]) -> Part:
    """The model up to the first input of the node at `position`."""
    import onnx

    # The width of the output is not known here, and onnxruntime need not know it.
    wanted = onnx.helper.make_tensor_value_info(model.graph.node[position].input[0], _find_type(model, position), None)
    before = list(model.graph.node[:position])
    used = {name for node in before for name in node.input} | {wanted.name}
    graph = onnx.helper.make_graph(
        before,
        "part",
        [each for each in model.graph.input if each.name in used],
        [wanted],
        [each for each in model.graph.initializer if each.name in used],
    )
    if wanted.name in {each.name for each in graph.input}:
        graph.node.append(onnx.helper.make_node("Identity", [wanted.name], ["wanted"]))
        graph.output[0].name = "wanted"
    part = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    return Part(session=open_session(part.SerializeToString()), bags=bags)


def _find_type(model: Any, position: int) -> int:
    """The type of a node's first input: float32 in models that compute in it, as XGBoost's do."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model)
    known = {each.name: each for each in [*inferred.graph.value_info, *inferred.graph.input]}
    found = known.get(model.graph.node[position].input[0])
    return found.type.tensor_type.elem_type if found else onnx.TensorProto.DOUBLE


def _read_attribute(attribute: Any) -> NDArray[Any]:
    import onnx

    if attribute.type == onnx.AttributeProto.TENSOR:
        return onnx.numpy_helper.to_array(attribute.t)
    return np.array(attribute.ints if attribute.ints else [attribute.i], dtype=np.int64)


def _find_shares(model: Any, trees: str) -> "Matrix | None":
    """The table from which a forest of classes takes a row for each leaf: it is gathered by what its trees add."""
    import onnx

    constants = {each.name: each for each in model.graph.initializer}
    casts = {node.output[0] for node in model.graph.node if node.op_type == "Cast" and node.input[0] == trees}
    for node in model.graph.node:
        if node.op_type == "Gather" and node.input[1] in casts and node.input[0] in constants:
            return np.asarray(onnx.numpy_helper.to_array(constants[node.input[0]]), dtype=np.float64)
    return None
