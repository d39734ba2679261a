"""Compiles the steps before an estimator, one after the other or side by side."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from predictor.training.compiling import calendar, preparation, terms
from predictor.training.compiling.graph import Columns, Graph, NotCompiled
from predictor.training.compiling.terms import AnyColumns, Mixed, list_blocks

SELECTORS = (
    "sklearn.feature_selection.SelectFromModel",
    "sklearn.feature_selection.SelectKBest",
    "sklearn.feature_selection.SelectPercentile",
    "sklearn.feature_selection.VarianceThreshold",
)
# By the name of exactly that class: one that inherits from it may predict differently.
STEPS: dict[str, Callable[[Graph, Any, Columns], AnyColumns]] = {
    "predictor.estimators.date_parts.DateParts": calendar.add_date_parts,
    "sklearn.feature_extraction.text.CountVectorizer": terms.add_vectoriser,
    "sklearn.feature_extraction.text.TfidfVectorizer": terms.add_vectoriser,
    "sklearn.impute.SimpleImputer": preparation.add_simple_imputer,
    "sklearn.preprocessing.FunctionTransformer": preparation.add_function_transformer,
    "sklearn.preprocessing.MaxAbsScaler": preparation.add_max_abs_scaler,
    "sklearn.preprocessing.MinMaxScaler": preparation.add_min_max_scaler,
    "sklearn.preprocessing.OneHotEncoder": preparation.add_one_hot_encoder,
    "sklearn.preprocessing.PolynomialFeatures": preparation.add_polynomial_features,
    "sklearn.preprocessing.RobustScaler": preparation.add_robust_scaler,
    "sklearn.preprocessing.StandardScaler": preparation.add_standard_scaler,
    "sklearn.preprocessing.TargetEncoder": preparation.add_target_encoder,
    **dict.fromkeys(SELECTORS, terms.select_columns),
}
STEPS_OF_TERMS: dict[str, Callable[[Graph, Any, Mixed], AnyColumns]] = {
    "predictor.estimators.topics.Topics": terms.add_topics,
    "sklearn.decomposition.TruncatedSVD": terms.add_singular_values,
    "sklearn.feature_extraction.text.TfidfTransformer": terms.add_tfidf,
    "sklearn.preprocessing.MaxAbsScaler": terms.add_scale,
    "sklearn.preprocessing.StandardScaler": terms.add_scale,
    **dict.fromkeys(SELECTORS, terms.select_columns),
}


def name_class(estimator: Any) -> str:
    """The name by which a class is imported: sklearn.linear_model.Ridge, and not sklearn.linear_model._ridge.Ridge."""
    made = type(estimator)
    return f"{made.__module__.partition('._')[0]}.{made.__name__}"


def add_step(graph: Graph, step: Any, columns: AnyColumns) -> AnyColumns:
    """The columns that a fitted step makes of others. Raises NotCompiled for one that is not named here."""
    name = name_class(step) if not isinstance(step, str) else step
    if step is None or name == "passthrough":
        return columns
    match name:
        case "sklearn.pipeline.Pipeline":
            for _, each in step.steps:
                columns = add_step(graph, each, columns)
            return columns
        case "sklearn.frozen.FrozenEstimator":
            return add_step(graph, step.estimator, columns)
        case "sklearn.pipeline.FeatureUnion":
            return _add_union(graph, step, columns)
        case "sklearn.compose.ColumnTransformer" if isinstance(columns, Columns):
            return _add_side_by_side(graph, step, columns)
    written = type(step).__name__
    if isinstance(columns, Columns) and name in STEPS:
        return STEPS[name](graph, step, columns)
    if isinstance(columns, Mixed) and name in STEPS_OF_TERMS:
        return STEPS_OF_TERMS[name](graph, step, columns)
    known = name in STEPS or name == "sklearn.compose.ColumnTransformer"
    raise NotCompiled(f"{written} is not compiled{' for the terms of texts' if known else ''}")


def _add_side_by_side(graph: Graph, step: Any, columns: Columns) -> AnyColumns:
    if step.transformer_weights:
        raise NotCompiled("ColumnTransformer is not compiled with weights")
    made = []
    for _, each, chosen in step.transformers_:
        wanted = _find_positions(chosen, columns)
        if wanted and not (isinstance(each, str) and each == "drop"):
            made.append(add_step(graph, each, graph.gather(columns, wanted)))
    return _join(graph, made)


def _find_positions(chosen: Any, columns: Columns) -> list[int]:
    """The positions of columns that a ColumnTransformer has chosen: by position, or by name from a DataFrame."""
    names = [] if isinstance(chosen, slice) else np.atleast_1d(chosen).tolist()
    if not names or not isinstance(names[0], str):
        positions: list[int] = np.atleast_1d(np.arange(columns.width)[chosen]).tolist()
        return positions
    if not set(names) <= set(columns.names):
        raise NotCompiled("ColumnTransformer is not compiled with these names of columns")
    return [columns.names.index(name) for name in names]


def _add_union(graph: Graph, step: Any, columns: AnyColumns) -> AnyColumns:
    if step.transformer_weights:
        raise NotCompiled("FeatureUnion is not compiled with weights")
    parts = [each for _, each in step.transformer_list if not (isinstance(each, str) and each == "drop")]
    return _join(graph, [add_step(graph, each, columns) for each in parts])


def _join(graph: Graph, made: Sequence[AnyColumns]) -> AnyColumns:
    """The columns next to each other, in one tensor where none of them are terms."""
    if len(made) == 1:
        return made[0]
    tensors = [each for each in made if isinstance(each, Columns)]
    if len(tensors) < len(made):
        return Mixed(blocks=tuple(block for each in made for block in list_blocks(each)))
    name = graph.add("Concat", *(each.name for each in tensors), axis=1)
    return Columns(name=name, origins=tuple(origin for each in tensors for origin in each.origins))
