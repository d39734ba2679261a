"""Saves a shipped model in MLflow's format: python save_sample.py MODEL.pkl SCHEMA.json TABLE.csv FOLDER.

The pickle takes the matrix that mlsite encodes, so that what is saved does that first. Its signature is the table's.
"""

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.models import infer_signature


class Sample(mlflow.pyfunc.PythonModel):
    def __init__(self, pickled: bytes, schema: dict[str, Any]) -> None:
        self.pickled, self.schema = pickled, schema

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> list[Any]:
        features = self.schema["features"]
        columns = [self.encode(model_input[each["name"]], each["choices"]) for each in features]
        found = pickle.loads(self.pickled).predict(np.column_stack(columns))  # noqa: S301  # Our own.
        classes = self.schema["target"]["classes"]
        return [classes[int(code)] if classes and not isinstance(code, str) else code for code in found.tolist()]

    def encode(self, column: pd.Series, choices: list[str]) -> np.ndarray:
        if not choices:
            return column.to_numpy(dtype=np.float64)
        return np.array([np.nan if pd.isna(value) else choices.index(value) for value in column])


def main(pickled: Path, schema: Path, table: Path, folder: Path) -> None:
    described = json.loads(schema.read_text())
    inputs = pd.read_csv(table)[[each["name"] for each in described["features"]]]
    target = pd.read_csv(table)[described["target"]["name"]]
    model = Sample(pickled.read_bytes(), described)
    mlflow.pyfunc.save_model(str(folder), python_model=model, signature=infer_signature(inputs, target))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
