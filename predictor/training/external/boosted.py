"""What LightGBM, XGBoost and CatBoost know of the columns that they were fitted on elsewhere."""

from collections.abc import Iterable, Sequence
from typing import Any

from predictor.training.boosters import find_library


def restore_spaces(estimator: Any, names: Sequence[str], known: Iterable[str]) -> list[str]:
    """The names of columns as the sample has them: LightGBM has "_" in place of spaces. Others stay as they are."""
    if find_library(estimator) != "lightgbm":
        return [*names]
    originals: dict[str, set[str]] = {}
    for name in known:
        originals.setdefault(name.replace(" ", "_"), set()).add(name)
    return [found.copy().pop() if len(found := originals.get(name, set())) == 1 else name for name in names]


def takes_categories_of_pandas(estimator: Any) -> bool:
    """Whether it was fitted on columns of pandas' type `category`, whose codes only it and pandas know."""
    library = find_library(estimator)
    if library == "lightgbm":
        return bool(estimator.booster_.pandas_categorical)
    if library == "xgboost":
        return "c" in (estimator.get_booster().feature_types or []) and estimator.feature_types is None
    return False


def forget_names(estimator: Any) -> None:
    """Let a booster of LightGBM take a bare matrix without a warning."""
    if find_library(estimator) == "lightgbm" and hasattr(estimator, "_fitted_with_feature_names"):
        estimator._fitted_with_feature_names = False
