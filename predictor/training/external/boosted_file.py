"""Reads what XGBoost (`.json`, `.ubj`) and LightGBM (`.txt`) write themselves, and the bare boosters of pickles."""

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from predictor.exceptions import ModelFileError
from predictor.training.external.model_file import ModelFile

BEGINNING_BYTES = 200
# The beginnings of objectives that predict numbers.
XGBOOST_NUMBERS = ("reg:", "count:")
LIGHTGBM_CLASSES = ("binary", "multiclass", "multiclassova")
LIGHTGBM_OTHERS = ("lambdarank", "rank_xendcg")


def recognise_xgboost(path: Path, source: BinaryIO) -> bool:
    # In UBJSON, "{" is followed by the length of the first key.
    beginning = _read_beginning(source)
    return beginning.startswith(b"{") and b"learner" in beginning


def recognise_lightgbm(path: Path, source: BinaryIO) -> bool:
    return _read_beginning(source).startswith((b"tree\nversion=", b"tree\r\nversion="))


def _read_beginning(source: BinaryIO) -> bytes:
    source.seek(0)
    return source.read(BEGINNING_BYTES)


def inspect_xgboost(file: ModelFile) -> dict[str, Any]:
    """The objective, and the number of classes (0 for a regression). Raises ModelFileError for other tasks."""
    booster = _import(file, "xgboost").Booster(model_file=bytearray(file.content))
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    if objective.startswith(XGBOOST_NUMBERS):
        return {"objective": objective, "classes": 0}
    if objective.startswith(("binary:logistic", "multi:")):
        return {"objective": objective, "classes": max(2, int(learner["learner_model_param"]["num_class"]))}
    raise _refuse(file, objective)


def load_xgboost(file: ModelFile, found: dict[str, Any]) -> Any:
    xgboost = _import(file, "xgboost")
    estimator = xgboost.XGBClassifier() if found["classes"] else xgboost.XGBRegressor()
    estimator.load_model(bytearray(file.content))
    if "c" in (estimator.feature_types or []) and not estimator.get_booster().get_categories().empty():
        # It knows categories of pandas by their words, as an estimator that was fitted on a DataFrame.
        estimator.feature_types = None
    return estimator


def inspect_lightgbm(file: ModelFile) -> dict[str, Any]:
    """The objective, and the number of classes (0 for a regression). Raises ModelFileError for other tasks."""
    booster = _read_lightgbm(file)
    objective = str(booster.dump_model(num_iteration=1).get("objective", "none")).split()[0]
    if objective in LIGHTGBM_OTHERS:
        raise _refuse(file, objective)
    classes = max(2, booster.num_model_per_iteration()) if objective in LIGHTGBM_CLASSES else 0
    return {"objective": objective, "classes": classes}


def load_lightgbm(file: ModelFile, found: dict[str, Any]) -> Any:
    """LightGBM has no public way from a booster to an estimator: tests compare the predictions of both."""
    lightgbm = _import(file, "lightgbm")
    estimator = lightgbm.LGBMClassifier() if found["classes"] else lightgbm.LGBMRegressor()
    booster = _read_lightgbm(file)
    estimator._Booster = booster
    estimator._n_features = estimator._n_features_in = booster.num_feature()
    names = booster.feature_name()
    estimator._fitted_with_feature_names = names != [f"Column_{column}" for column in range(len(names))]
    estimator._objective, estimator._best_iteration, estimator.fitted_ = found["objective"], 0, True
    if found["classes"]:
        estimator._classes, estimator._n_classes = np.arange(found["classes"]), found["classes"]
        encoder = importlib.import_module("sklearn.preprocessing").LabelEncoder()
        estimator._le = encoder.fit(estimator._classes)
        estimator._class_map = {label: label for label in range(found["classes"])}
    return estimator


def adopt_booster(file: ModelFile, part: Any) -> Any:
    """The estimator of a bare booster, which has another interface, as of its own file; other parts as they are.

    Raises ModelFileError for another task than a classification or a regression.
    """
    library, _, _ = type(part).__module__.partition(".")
    if type(part).__name__ != "Booster" or library not in ("xgboost", "lightgbm"):
        return part
    if library == "xgboost":
        own = replace(file, content=bytes(part.save_raw("ubj")))
        return load_xgboost(own, inspect_xgboost(own))
    own = replace(file, content=part.model_to_string().encode())
    return load_lightgbm(own, inspect_lightgbm(own))


def _read_lightgbm(file: ModelFile) -> Any:
    lightgbm = _import(file, "lightgbm")
    return lightgbm.Booster(model_str=file.content.decode())


def _import(file: ModelFile, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        from predictor.training.boosters import PACKAGES  # Not at the top: it imports scikit-learn.

        package = PACKAGES[module]
        hint = f"run `pip install -r requirements-boosters.txt`, or add {package} to requirements.in"
        raise file.error(f"it needs {package}, which is not installed here: {hint}") from error


def _refuse(file: ModelFile, objective: str) -> ModelFileError:
    return file.error(f"its objective is {objective!r}: only a classifier or a regressor can be served")
