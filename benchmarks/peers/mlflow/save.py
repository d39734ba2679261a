"""Saves a pickled model in MLflow's own format: python save.py PICKLE FOLDER."""

import pickle
import sys
from pathlib import Path

import mlflow.sklearn

mlflow.sklearn.save_model(pickle.loads(Path(sys.argv[1]).read_bytes()), sys.argv[2])  # noqa: S301  # Our own.
