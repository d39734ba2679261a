"""Reads ONNX models, which contain no code: what could reach other files, custom operators and loops are refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from predictor.estimators.onnx_model import TYPES, OnnxInput, OnnxModel
from predictor.schema.values import Label
from predictor.training.external.model_file import ModelFile

STANDARD = ("", "ai.onnx", "ai.onnx.ml")
LOOPS = ("Loop", "Scan", "SequenceMap")
RANDOM = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
# A model is tried on one row and on as many as are predicted at once.
TRIED_ROWS = (1, 64)


def recognise(path: Path, source: BinaryIO) -> bool:
    return path.suffix.lower() == ".onnx"


def inspect(file: ModelFile) -> dict[str, Any]:
    """Check a model, load it and let it predict rows of zeros, which must not take too much memory or time."""
    import onnx

    if not file.content:
        raise file.error("it cannot be read, since it is empty: did its conversion fail?")
    model = onnx.load_model_from_string(file.content)
    check_model(file, model)
    made = _read(file, model)
    for rows in TRIED_ROWS:
        feed = {each.name: _make_zeros(each, rows) for each in made.inputs}
        try:
            made._session.run(None, feed)
        except Exception as error:
            # What it cannot predict may be the zeros' fault; the sample decides.
            if "alloc" in str(error):
                raise file.error(f"predicting {rows} rows takes too much memory") from error
    return {}


def load(file: ModelFile, found: dict[str, Any]) -> OnnxModel:
    import onnx

    return _read(file, onnx.load_model_from_string(file.content))


def check_model(file: ModelFile, model: Any) -> None:
    """Raise ModelFileError for external data, custom operators, functions and loops, also in nested graphs."""
    import onnx

    domains = [each.domain for each in model.opset_import if each.domain not in STANDARD]
    if model.functions or domains:
        raise file.error(f"it has operators of its own ({', '.join(domains) or 'functions'}), which are not run here")
    for graph in _find_graphs(model.graph):
        for node in graph.node:
            if node.domain not in STANDARD:
                raise file.error(f"it has the operator {node.op_type} of {node.domain!r}, and only ONNX's own are run")
            if node.op_type in LOOPS:
                raise file.error(f"it has the loop {node.op_type}, which may never end")
            if node.op_type in RANDOM:
                raise file.error(f"it has the operator {node.op_type}: the same inputs would get other predictions")
        for tensor in _find_tensors(graph):
            if onnx.external_data_helper.uses_external_data(tensor) or tensor.external_data:
                raise file.error(f"its tensor {tensor.name!r} is in another file: save the model as one file")


def _find_graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for each in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                yield from _find_graphs(each)


def _find_tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    sparse = list(graph.sparse_initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            sparse += [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
            sparse += attribute.sparse_tensors
    for each in sparse:
        yield from (each.values, each.indices)


def _read(file: ModelFile, model: Any) -> OnnxModel:
    labels = _find_labels(model) or ()
    _replace_maps(model)
    data, producer = model.SerializeToString(), model.producer_name[:100]
    whole = OnnxModel(data=data, producer=producer, inputs=(), predicted="")
    session = whole._session
    inputs = tuple(_read_input(file, each) for each in session.get_inputs())
    if len(inputs) > 1 and any(each.width != 1 for each in inputs):
        raise file.error("it has several inputs: each must be one column, or there must be only one")
    outputs = session.get_outputs()
    numbers = [each for each in outputs if each.type in ("tensor(float)", "tensor(double)")]
    others = [each for each in outputs if each.type in ("tensor(int64)", "tensor(string)", "tensor(bool)")]
    if len(outputs) == 1 and numbers and not labels:
        if len(numbers[0].shape) > 1 and numbers[0].shape[1] not in (1, None):
            problem = f"its output {numbers[0].name!r} has {numbers[0].shape[1]} columns, and it names no classes"
            way_out = "convert a classifier with skl2onnx, which writes them, and a regressor of one target"
            raise file.error(f"{problem}: {way_out}")
        return OnnxModel(data=data, producer=producer, inputs=inputs, predicted=numbers[0].name)
    if not labels:
        names = ", ".join(f"{each.name} ({each.type})" for each in outputs)
        raise file.error(
            f"it has the outputs {names} and names no classes: convert it with skl2onnx, which writes them"
        )
    return OnnxModel(
        data=data,
        producer=producer,
        inputs=inputs,
        predicted=others[0].name if others else "",
        probabilities=numbers[0].name if numbers else "",
        labels=labels,
    )


def _read_input(file: ModelFile, given: Any) -> OnnxInput:
    if given.type not in TYPES:
        raise file.error(f"its input {given.name!r} is a {given.type}; it must be one of {', '.join(TYPES)}")
    width = given.shape[1] if len(given.shape) == 2 and isinstance(given.shape[1], int) else 0
    return OnnxInput(name=given.name, type=given.type, width=width)


def _find_labels(model: Any) -> tuple[Label, ...]:
    """The classes that the last node with any names."""
    for node in reversed(model.graph.node):
        for attribute in node.attribute:
            if attribute.name.startswith("classlabels_"):
                labels = [*attribute.ints, *(each.decode() for each in attribute.strings)]
                if labels:
                    return tuple(labels)
    return ()


def _replace_maps(model: Any) -> None:
    """Give out the probabilities that a ZipMap makes dictionaries of."""
    import onnx

    for node in [node for node in model.graph.node if node.op_type == "ZipMap"]:
        model.graph.node.remove(node)
        for output in [each for each in model.graph.output if each.name == node.output[0]]:
            # Without a type, since they may be double: then onnxruntime cannot even load the ZipMap.
            output.CopyFrom(onnx.ValueInfoProto(name=node.input[0]))


def _make_zeros(given: OnnxInput, rows: int) -> np.ndarray[Any, Any]:
    values: np.ndarray[Any, Any] = np.zeros((rows, max(given.width, 1)), dtype=TYPES[given.type])
    return values.astype(str).astype(object) if given.type == "tensor(string)" else values
