"""Saves a pickled model in MLflow's own format: python save.py PICKLE FOLDER."""

import pickle
import sys
from pathlib import Path

import mlflow.sklearn

model = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301  # Our own.
mlflow.sklearn.save_model(model, sys.argv[2], skops_trusted_types=["sklearn.tree._tree.Tree"])
