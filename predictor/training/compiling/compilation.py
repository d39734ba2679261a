"""Turns a fitted pipeline into an ONNX model that predicts the same, for the estimators and steps named here."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.estimators.coded import Coded
from predictor.estimators.imported import Imported, ImportedOnFrame
from predictor.estimators.limited import Limited, Thresholded
from predictor.estimators.on_table import OnTable
from predictor.training.compiling import (
    boosting,
    catboost,
    lightgbm,
    linear,
    preparation,
    trees,
    xgboost,
)
from predictor.training.compiling.graph import Columns, Graph, NotCompiled, Predicted
from predictor.training.compiling.limits import add_limits
from predictor.training.compiling.steps import add_step, name_class
from predictor.training.compiling.terms import AnyColumns

# These predict by the best of the models that they have tried.
SEARCHES = ("sklearn.model_selection.GridSearchCV", "sklearn.model_selection.RandomizedSearchCV")
# By the name of exactly that class: one that inherits from it may predict differently.
ESTIMATORS: dict[str, Callable[[Graph, Any, Columns], Predicted]] = {
    **linear.ESTIMATORS,
    "catboost.core.CatBoostClassifier": catboost.add_classifier,
    "catboost.core.CatBoostRegressor": catboost.add_regressor,
    "lightgbm.sklearn.LGBMClassifier": lightgbm.add_classifier,
    "lightgbm.sklearn.LGBMRegressor": lightgbm.add_regressor,
    "sklearn.ensemble.ExtraTreesClassifier": trees.add_classifier,
    "sklearn.ensemble.ExtraTreesRegressor": trees.add_regressor,
    "sklearn.ensemble.GradientBoostingClassifier": boosting.add_gradient_classifier,
    "sklearn.ensemble.GradientBoostingRegressor": boosting.add_gradient_regressor,
    "sklearn.ensemble.HistGradientBoostingClassifier": boosting.add_histogram_classifier,
    "sklearn.ensemble.HistGradientBoostingRegressor": boosting.add_histogram_regressor,
    "sklearn.ensemble.RandomForestClassifier": trees.add_classifier,
    "sklearn.ensemble.RandomForestRegressor": trees.add_regressor,
    "sklearn.tree.DecisionTreeClassifier": trees.add_classifier,
    "sklearn.tree.DecisionTreeRegressor": trees.add_regressor,
    "sklearn.tree.ExtraTreeClassifier": trees.add_classifier,
    "sklearn.tree.ExtraTreeRegressor": trees.add_regressor,
    "xgboost.sklearn.XGBClassifier": xgboost.add_classifier,
    "xgboost.sklearn.XGBRFClassifier": xgboost.add_classifier,
    "xgboost.sklearn.XGBRFRegressor": xgboost.add_regressor,
    "xgboost.sklearn.XGBRegressor": xgboost.add_regressor,
}


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """An ONNX model's bytes; `splits` gives the values at which its trees split a column of the matrix, where known."""

    data: bytes
    splits: dict[int, NDArray[np.float64]]


def compile_model(fitted: Any, features: int, texts: Collection[int] = ()) -> Compiled:
    """Compile a fitted pipeline that takes `features` columns, of which these are texts.

    Raises NotCompiled with the reason.
    """
    limited, fitted = (fitted, fitted.estimator) if isinstance(fitted, Limited | Thresholded) else (None, fitted)
    fitted = fitted.estimator if isinstance(fitted, OnTable) else fitted
    coded, fitted = (fitted, fitted.estimator) if isinstance(fitted, Coded) else (None, fitted)
    frame = fitted.columns if isinstance(fitted, ImportedOnFrame) else ()
    if any(column.of_pandas for column in frame):
        raise NotCompiled("a model that takes categories of pandas is not compiled")
    graph = Graph(texts, frame)
    inputs = graph.add_inputs(features)
    columns: AnyColumns = inputs if coded is None else preparation.add_codes(graph, coded.numbers, inputs)
    estimator, labels = (fitted.estimator, fitted.labels) if isinstance(fitted, Imported) else (fitted, ())
    inverse = ""
    if name_class(estimator) in SEARCHES:
        estimator = estimator.best_estimator_
    if name_class(estimator) == "sklearn.compose.TransformedTargetRegressor":
        inverse, estimator = _find_inverse(estimator), estimator.regressor_
    steps = [step for _, step in estimator.steps] if hasattr(estimator, "steps") else [estimator]
    for step in steps[:-1]:
        columns = add_step(graph, step, columns)
    last = steps[-1]
    predicted = _add_estimator(graph, last, columns)
    if inverse:
        predicted = replace(predicted, numbers=graph.add(inverse, predicted.numbers))
    codes = [labels.index(each) if labels else int(each) for each in getattr(last, "classes_", np.empty(0)).tolist()]
    if limited is not None:
        predicted = add_limits(graph, limited, predicted, codes)
    return Compiled(
        data=graph.finish(predicted, features=features, classes=codes),
        splits=_locate_splits(predicted.splits, columns),
    )


def _find_inverse(estimator: Any) -> str:
    """The operator that transforms a target back."""
    if estimator.transformer is not None or estimator.inverse_func is not np.exp:
        raise NotCompiled("TransformedTargetRegressor is not compiled, but for a target that is transformed by np.log")
    return "Exp"


def _add_estimator(graph: Graph, estimator: Any, columns: AnyColumns) -> Predicted:
    name, written = name_class(estimator), type(estimator).__name__
    if name not in ESTIMATORS:
        raise NotCompiled(f"{written} is not compiled")
    if isinstance(columns, Columns):
        return ESTIMATORS[name](graph, estimator, columns)
    if name not in linear.ESTIMATORS:
        raise NotCompiled(f"{written} is not compiled for the terms of texts")
    return linear.ESTIMATORS[name](graph, estimator, columns)


def _locate_splits(splits: dict[int, NDArray[np.float64]], columns: AnyColumns) -> dict[int, NDArray[np.float64]]:
    """The splits by column of the matrix, for inputs of the estimator that come from one column alone."""
    located: dict[int, list[NDArray[np.float64]]] = {}
    origins = columns.origins if isinstance(columns, Columns) else ()
    for position, values in splits.items():
        origin = origins[position]
        if origin is not None:
            located.setdefault(origin.column, []).append(values * origin.scale + origin.mean)
    return {column: np.unique(np.concatenate(values)) for column, values in located.items()}
