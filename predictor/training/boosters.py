"""What boosted trees of four libraries need to be given: categories as categories, silence, and one thread."""

import inspect
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from predictor.estimators.codes import write_codes
from predictor.estimators.date_parts import DateParts
from predictor.schema.kinds import OTHER, Category
from predictor.schema.schema import Schema

# By the module that is imported, the package that is installed.
PACKAGES = {"catboost": "catboost", "lightgbm": "lightgbm", "xgboost": "xgboost-cpu"}
# By library, the argument of `fit` that names the columns of categories; XGBoost has a parameter instead.
FIT_ARGUMENTS = {"catboost": "cat_features", "lightgbm": "categorical_feature"}
# The parameters of boosted trees on histograms that count columns, as they are where nothing is set.
COUNTING = {"categorical_features": "from_dtype", "monotonic_cst": None, "interaction_cst": None}
# What the pipeline calls the columns of codes.
CATEGORIES = "categories as codes"
# What is set unless the recipe sets one of these parameters.
SILENT: dict[str, tuple[set[str], dict[str, Any]]] = {
    "lightgbm": ({"verbose", "verbosity"}, {"verbosity": -1}),
    "catboost": ({"logging_level", "silent", "verbose", "verbose_eval"}, {"verbose": 0}),
}


def find_library(estimator: Any) -> str | None:
    """The module of the library that an estimator comes from, where it is one of these."""
    made = estimator if isinstance(estimator, type) else type(estimator)
    module = made.__module__.partition(".")[0]
    return module if module in PACKAGES else None


def find_defaults(made: type, params: dict[str, Any]) -> dict[str, Any]:
    """Parameters that a recipe does not set, by which these libraries print nothing and write no file."""
    library = find_library(made)
    names, values = SILENT.get(library or "", (set(), {}))
    defaults = {} if params.keys() & names else dict(values)
    if library == "catboost":
        defaults["allow_writing_files"] = False
    return {name: value for name, value in defaults.items() if name not in params}


def takes_any_parameter(made: type) -> bool:
    """Whether a class passes on parameters that it does not name, as LightGBM and XGBoost do to their own core."""
    return any(each.kind is each.VAR_KEYWORD for each in inspect.signature(made).parameters.values())


def takes_categories(estimator: Any, schema: Schema) -> bool:
    """Whether it gets categories as codes. XGBoost must be told each column's type, and dates become any number."""
    library = find_library(estimator)
    if library == "xgboost":
        return estimator.get_params().get("booster") != "gblinear" and not _find_dates(schema)
    return library is not None


def build_for_categories(estimator: Any, schema: Schema) -> Any:
    """The pipeline in which the estimator knows which columns are categories: where there are dates, the first ones."""
    choices, library, steps = _find_choices(schema), find_library(estimator), []
    dates = _find_dates(schema)
    if dates:
        expanded = {column for columns in dates.values() for column in columns}
        others = [each for each in range(len(schema.features)) if each not in expanded and each not in choices]
        groups: list[Any] = [(CATEGORIES, "passthrough", list(choices)), ("numbers", "passthrough", others)]
        groups += [(f"{kind}s", DateParts(kind=kind), columns) for kind, columns in dates.items()]
        steps.append(ColumnTransformer(groups))
        choices = dict(enumerate(choices.values()))
    if library == "xgboost" and choices:
        types = ["c" if column in choices else "q" for column in range(len(schema.features))]
        estimator.set_params(enable_categorical=True, feature_types=types)
    if library == "catboost" and choices:
        steps.append(FunctionTransformer(write_codes, kw_args={"choices": choices}))
    return make_pipeline(*steps, estimator)


def find_codes(estimator: Any, schema: Schema) -> list[int]:
    """The columns of categories that scikit-learn's boosted trees on histograms split as such.

    There are none where the recipe sets a parameter that counts columns, which are then those of a one-hot encoding.
    """
    if type(estimator) not in (HistGradientBoostingClassifier, HistGradientBoostingRegressor):
        return []
    if any(getattr(estimator, name) != value for name, value in COUNTING.items()):
        return []
    return [column for column, choices in _find_choices(schema).items() if choices <= estimator.max_bins]


def find_fit_arguments(model: Any, schema: Schema) -> dict[str, list[int]]:
    """The arguments of `fit` by which a pipeline's last step learns which columns are categories.

    Only in pipelines as `build_for_categories` makes them.
    """
    *before, (name, last) = getattr(model, "steps", [("", model)])
    argument = FIT_ARGUMENTS.get(find_library(last) or "")
    columns = _find_codes([step for _, step in before], schema, argument) if name and argument else []
    return {f"{name}__{argument}": columns} if columns else {}


def _find_codes(before: list[Any], schema: Schema, argument: str) -> list[int]:
    """The columns of codes after these steps."""
    if before and getattr(before[-1], "func", None) is write_codes:
        return list(before[-1].kw_args["choices"])
    if argument != FIT_ARGUMENTS["lightgbm"]:  # CatBoost refuses codes that are floats.
        return []
    if not before:
        return list(_find_choices(schema))
    [first, *others] = before
    name, step, columns = first.transformers[0] if isinstance(first, ColumnTransformer) else ("", None, [])
    return list(range(len(columns))) if (name, step, others) == (CATEGORIES, "passthrough", []) else []


def set_single_thread(estimator: Any) -> None:
    """Make a fitted estimator of these libraries predict in one thread, as far as it lets itself be told."""
    if find_library(estimator) in ("lightgbm", "xgboost") and "n_jobs" in vars(estimator):
        estimator.n_jobs = 1
    if hasattr(estimator, "get_booster") and hasattr(estimator, "_Booster"):
        estimator.get_booster().set_param({"nthread": 1})


def _find_choices(schema: Schema) -> dict[int, int]:
    """The number of codes of each category, by its column: its choices and, where it takes them, all others."""
    return {
        column: len(feature.choices) + (feature.unseen == OTHER)
        for column, feature in enumerate(schema.features)
        if isinstance(feature, Category)
    }


def _find_dates(schema: Schema) -> dict[str, list[int]]:
    """The columns of dates and times, by their kind."""
    found: dict[str, list[int]] = {}
    for column, feature in enumerate(schema.features):
        if feature.kind in ("date", "datetime", "time"):
            found.setdefault(feature.kind, []).append(column)
    return found
