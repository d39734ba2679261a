"""Turns a fitted pipeline into an ONNX model that predicts the same, for the estimators and steps named here."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.estimators.coded import Coded
from predictor.estimators.imported import Imported, ImportedOnFrame
from predictor.estimators.limited import Limited, Thresholded
from predictor.training.compiling import (
    boosting,
    calendar,
    catboost,
    lightgbm,
    linear,
    preparation,
    trees,
    xgboost,
)
from predictor.training.compiling.graph import INPUT, Columns, Graph, NotCompiled, Origin, Predicted
from predictor.training.compiling.limits import add_limits

# By the name of exactly that class: one that inherits from it may predict differently.
STEPS: dict[str, Callable[[Graph, Any, Columns], Columns]] = {
    "predictor.estimators.date_parts.DateParts": calendar.add_date_parts,
    "sklearn.impute.SimpleImputer": preparation.add_simple_imputer,
    "sklearn.preprocessing.FunctionTransformer": preparation.add_function_transformer,
    "sklearn.preprocessing.MaxAbsScaler": preparation.add_max_abs_scaler,
    "sklearn.preprocessing.MinMaxScaler": preparation.add_min_max_scaler,
    "sklearn.preprocessing.OneHotEncoder": preparation.add_one_hot_encoder,
    "sklearn.preprocessing.PolynomialFeatures": preparation.add_polynomial_features,
    "sklearn.preprocessing.RobustScaler": preparation.add_robust_scaler,
    "sklearn.preprocessing.StandardScaler": preparation.add_standard_scaler,
    "sklearn.preprocessing.TargetEncoder": preparation.add_target_encoder,
}
# These predict coefficients times columns plus an intercept, and nothing more.
LINEAR = (
    "linear_model.ARDRegression",
    "linear_model.BayesianRidge",
    "linear_model.ElasticNet",
    "linear_model.ElasticNetCV",
    "linear_model.HuberRegressor",
    "linear_model.Lars",
    "linear_model.LarsCV",
    "linear_model.Lasso",
    "linear_model.LassoCV",
    "linear_model.LassoLars",
    "linear_model.LassoLarsCV",
    "linear_model.LassoLarsIC",
    "linear_model.LinearRegression",
    "linear_model.OrthogonalMatchingPursuit",
    "linear_model.OrthogonalMatchingPursuitCV",
    "linear_model.QuantileRegressor",
    "linear_model.Ridge",
    "linear_model.RidgeCV",
    "linear_model.SGDRegressor",
    "linear_model.TheilSenRegressor",
    "svm.LinearSVR",
)
ESTIMATORS: dict[str, Callable[[Graph, Any, Columns], Predicted]] = {
    "catboost.core.CatBoostClassifier": catboost.add_classifier,
    "catboost.core.CatBoostRegressor": catboost.add_regressor,
    "lightgbm.sklearn.LGBMClassifier": lightgbm.add_classifier,
    "lightgbm.sklearn.LGBMRegressor": lightgbm.add_regressor,
    **{f"sklearn.{name}": linear.add_regressor for name in LINEAR},
    "sklearn.ensemble.ExtraTreesClassifier": trees.add_classifier,
    "sklearn.ensemble.ExtraTreesRegressor": trees.add_regressor,
    "sklearn.ensemble.GradientBoostingClassifier": boosting.add_gradient_classifier,
    "sklearn.ensemble.GradientBoostingRegressor": boosting.add_gradient_regressor,
    "sklearn.ensemble.HistGradientBoostingClassifier": boosting.add_histogram_classifier,
    "sklearn.ensemble.HistGradientBoostingRegressor": boosting.add_histogram_regressor,
    "sklearn.ensemble.RandomForestClassifier": trees.add_classifier,
    "sklearn.ensemble.RandomForestRegressor": trees.add_regressor,
    "sklearn.linear_model.GammaRegressor": linear.add_generalised,
    "sklearn.linear_model.LogisticRegression": linear.add_logistic,
    "sklearn.linear_model.LogisticRegressionCV": linear.add_logistic,
    "sklearn.linear_model.Perceptron": linear.add_classifier,
    "sklearn.linear_model.PoissonRegressor": linear.add_generalised,
    "sklearn.linear_model.RidgeClassifier": linear.add_classifier,
    "sklearn.linear_model.RidgeClassifierCV": linear.add_classifier,
    "sklearn.linear_model.SGDClassifier": linear.add_stochastic,
    "sklearn.linear_model.TweedieRegressor": linear.add_generalised,
    "sklearn.svm.LinearSVC": linear.add_classifier,
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


def compile_model(fitted: Any, features: int) -> Compiled:
    """Compile a fitted pipeline that takes a matrix of `features` columns; raises NotCompiled with the reason."""
    limited, fitted = (fitted, fitted.estimator) if isinstance(fitted, Limited | Thresholded) else (None, fitted)
    coded, fitted = (fitted, fitted.estimator) if isinstance(fitted, Coded) else (None, fitted)
    if isinstance(fitted, ImportedOnFrame):
        raise NotCompiled("a model that takes a pandas DataFrame is not compiled")
    graph = Graph()
    columns = Columns(name=INPUT, origins=tuple(Origin(column=column) for column in range(features)))
    if coded is not None:
        columns = preparation.add_codes(graph, coded.numbers, columns)
    estimator, labels = (fitted.estimator, fitted.labels) if type(fitted) is Imported else (fitted, ())
    inverse = ""
    if name_class(estimator) == "sklearn.compose.TransformedTargetRegressor":
        inverse, estimator = _find_inverse(estimator), estimator.regressor_
    steps = [step for _, step in estimator.steps] if hasattr(estimator, "steps") else [estimator]
    for step in steps[:-1]:
        columns = _add_step(graph, step, columns)
    last = steps[-1]
    predicted = _find_estimator(last)(graph, last, columns)
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


def name_class(estimator: Any) -> str:
    """The name by which a class is imported: sklearn.linear_model.Ridge, and not sklearn.linear_model._ridge.Ridge."""
    made = type(estimator)
    return f"{made.__module__.partition('._')[0]}.{made.__name__}"


def _add_step(graph: Graph, step: Any, columns: Columns) -> Columns:
    name = name_class(step) if not isinstance(step, str) else step
    if step is None or name == "passthrough":
        return columns
    if name == "sklearn.pipeline.Pipeline":
        for _, each in step.steps:
            columns = _add_step(graph, each, columns)
        return columns
    if name == "sklearn.frozen.FrozenEstimator":
        return _add_step(graph, step.estimator, columns)
    if name == "sklearn.compose.ColumnTransformer":
        return _add_side_by_side(graph, step, columns)
    if name not in STEPS:
        raise NotCompiled(f"{type(step).__name__} is not compiled")
    return STEPS[name](graph, step, columns)


def _add_side_by_side(graph: Graph, step: Any, columns: Columns) -> Columns:
    if step.transformer_weights:
        raise NotCompiled("ColumnTransformer is not compiled with weights")
    made = []
    for _, each, chosen in step.transformers_:
        wanted = np.atleast_1d(np.arange(columns.width)[chosen]).tolist()
        if wanted and not (isinstance(each, str) and each == "drop"):
            made.append(_add_step(graph, each, graph.gather(columns, wanted)))
    if len(made) == 1:
        return made[0]
    name = graph.add("Concat", *(each.name for each in made), axis=1)
    return Columns(name=name, origins=tuple(origin for each in made for origin in each.origins))


def _find_estimator(estimator: Any) -> Callable[[Graph, Any, Columns], Predicted]:
    made = ESTIMATORS.get(name_class(estimator))
    if made is None:
        raise NotCompiled(f"{type(estimator).__name__} is not compiled")
    return made


def _locate_splits(splits: dict[int, NDArray[np.float64]], columns: Columns) -> dict[int, NDArray[np.float64]]:
    """The splits by column of the matrix, for inputs of the estimator that come from one column alone."""
    located: dict[int, list[NDArray[np.float64]]] = {}
    for position, values in splits.items():
        origin = columns.origins[position]
        if origin is not None:
            located.setdefault(origin.column, []).append(values * origin.scale + origin.mean)
    return {column: np.unique(np.concatenate(values)) for column, values in located.items()}
