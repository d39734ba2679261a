"""A compiled model: ONNX bytes run by onnxruntime, with the interface of the estimator that they were made from."""

from typing import TYPE_CHECKING, Any

import msgspec

from predictor.estimators.bag_of_words import BagOfWords, score_texts
from predictor.schema.table import Inputs, Table, take_rows
from predictor.schema.values import Matrix, Vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The intermediate results of a large forest take some kilobytes a row.
ROWS_AT_ONCE = 1_000


class CompiledModel:
    """Predicts in one thread, and needs neither scikit-learn nor the estimator's own code.

    `classes_` are the codes of the classes, shape (classes,); empty for a regression. `bags` count and weigh the terms
    of texts for the ONNX model, which gets their scores.
    """

    def __init__(self, data: bytes | bytearray) -> None:
        """Raises ImportError without onnxruntime, and onnxruntime's own errors for bytes that are not such a model."""
        import numpy as np

        self._session = open_session(data)
        stored = self._session.get_modelmeta().custom_metadata_map
        codes = stored["classes"]
        self.classes_: NDArray[np.int64] = np.array([int(code) for code in codes.split(",") if code], dtype=np.int64)
        bags = msgspec.json.decode(stored.get("bags", "[]"), type=list[BagOfWords])
        self.bags = [bag.prepare() for bag in bags]
        self.has_probabilities = len(self._session.get_outputs()) > 1

    def predict_with_probabilities(self, inputs: Inputs) -> "tuple[Vector, Matrix | None]":
        """Numbers or class codes, shape (n,), and the probabilities of `classes_`, (n, classes), where there are any.

        The inputs are a matrix of shape (n, features), or a table of n rows. A row that the estimator refuses has NaN
        in both.
        """
        import numpy as np

        starts = range(0, len(inputs), ROWS_AT_ONCE)
        parts = [self._run(take_rows(inputs, slice(start, start + ROWS_AT_ONCE))) for start in starts]
        joined = parts[0] if len(parts) == 1 else [np.concatenate(each) for each in zip(*parts, strict=True)]
        return joined[0].reshape(-1), joined[1] if self.has_probabilities else None

    def predict(self, inputs: Inputs) -> Vector:
        return self.predict_with_probabilities(inputs)[0]

    @property
    def predict_proba(self) -> Any:
        """Probabilities for n rows, shape (n, classes); only where there are any."""
        if not self.has_probabilities:
            raise AttributeError("this model gives no probabilities")
        return lambda inputs: self.predict_with_probabilities(inputs)[1]

    def _run(self, inputs: Inputs) -> "list[NDArray[np.float64]]":
        matrix = inputs.matrix if isinstance(inputs, Table) else inputs
        given = {"inputs": matrix}
        if self.bags and isinstance(inputs, Table):
            given["scores"] = score_texts(self.bags, inputs)
        predictions: list[NDArray[np.float64]] = self._session.run(None, given)
        return predictions


def open_session(data: bytes | bytearray) -> Any:
    """An onnxruntime session that runs ONNX bytes in one thread. Raises as `CompiledModel` does."""
    import onnxruntime

    # Telemetry already runs where it was imported before predictor; otherwise predictor.environment turned it off.
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(bytes(data), options, providers=["CPUExecutionProvider"])
