"""A model behind BentoML with adaptive batching and two workers, as its documentation has it."""

import os
import pickle
from pathlib import Path

import bentoml
import numpy as np


@bentoml.service(workers=2)
class Model:
    def __init__(self) -> None:
        self.model = pickle.loads(Path(os.environ["MODEL"]).read_bytes())  # noqa: S301  # As the documentation does.

    @bentoml.api(batchable=True, max_batch_size=100, max_latency_ms=1000)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.model.predict(rows)
