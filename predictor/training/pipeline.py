"""Builds the scikit-learn pipeline that fits the schema's float64 matrix."""

import difflib
import importlib
import importlib.metadata
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from predictor.estimators.own_code import Code, import_code, read_code
from predictor.exceptions import RecipeError
from predictor.schema.schema import Schema
from predictor.schema.text import Text
from predictor.texts import take_first_line
from predictor.training.boosters import (
    PACKAGES,
    build_for_categories,
    find_codes,
    find_defaults,
    set_single_thread,
    takes_any_parameter,
    takes_categories,
)
from predictor.training.grouping import group_columns
from predictor.training.recipe import Recipe, TargetTransform
from predictor.training.vectorising import prepare_texts

# Trees split, and naive Bayes fits each column: neither depends on the scale of a column, nor on what is next to what.
TAKES_ANY_SCALE = ("sklearn.tree.", "sklearn.ensemble.", "sklearn.naive_bayes.", "sklearn.dummy.")
# Least squares without a penalty does not depend on scale either.
NEEDS_NO_SCALING = (*TAKES_ANY_SCALE, "sklearn.linear_model._base.LinearRegression")
# What clone, pipelines and the task need; CatBoost has it without inheriting from BaseEstimator.
INTERFACE = ("fit", "predict", "get_params", "set_params", "__sklearn_tags__")
SEED = re.compile(r"(^|__)random_state$")
# What has nothing nested in it.
PLAIN = (str, float, int, np.generic)
# Other names of the same parameter.
SEEDS = {"random_state", "random_seed", "seed"}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
# Where a class takes any parameter, one that is spelled almost as one that it names is a slip.
CLOSE = 0.85


def build_pipeline(recipe: Recipe, schema: Schema, code: Code | None = None) -> BaseEstimator:
    """Build the unfitted model for a matrix of shape (n, features), in the schema's order of columns.

    A recipe's own pipeline.py takes precedence; `code` is its content where it was already read. Raises RecipeError
    where the estimator does not exist, does not take its parameters, or does not do the schema's task.
    """
    code = code or read_code(recipe.pipeline_file)
    if code is not None:
        model, place = _build_own(recipe, schema, code), str(recipe.pipeline_file)
    else:
        model, place = _build_default(make_estimator(recipe), schema, recipe.seed), f"{recipe.file}: estimator.class"
    does_task = is_classifier(model) if schema.target.task == "classification" else is_regressor(model)
    if not does_task:
        raise RecipeError(
            f"{place}: this estimator does not do {schema.target.task}, the task for the target"
            f" {schema.target.name!r}: choose another, or set `task` in {recipe.file}."
        )
    return transform_target(model, recipe.target_transform)


def transform_target(model: BaseEstimator, transform: TargetTransform | None) -> BaseEstimator:
    """The same model, fitted on a transform of the target; its predictions are in the target's own unit."""
    if transform is None:
        return model
    return TransformedTargetRegressor(model, func=np.log, inverse_func=np.exp, check_inverse=False)


def find_inner(model: Any) -> Any:
    """The model itself, without the transform of its target where there is one."""
    return model.regressor if isinstance(model, TransformedTargetRegressor) else model


def make_estimator(recipe: Recipe) -> BaseEstimator:
    """Make the recipe's estimator with its parameters and, where it takes one, the recipe's seed."""
    if recipe.estimator is None:
        raise recipe.error("estimator", 'is missing: write [estimator] with class = "sklearn.…" below it.')
    path, params = recipe.estimator.path, dict(recipe.estimator.params)
    made = import_estimator(recipe, path)
    name = made.__name__
    known = list_params(made)
    for key in params:
        is_slip = not takes_any_parameter(made) or difflib.get_close_matches(key, known, 1, CLOSE)
        if key not in known and is_slip:
            problem = f"{name} has no such parameter: it takes {', '.join(known)}."
            raise recipe.error(f"estimator.params.{key}", problem)
    params |= find_defaults(made, params)
    if "random_state" in known and not params.keys() & SEEDS:
        params["random_state"] = recipe.seed
    try:
        return made(**params)
    except TypeError as error:
        raise recipe.error("estimator.params", f"{error}.") from error


def import_estimator(recipe: Recipe, path: str) -> type[BaseEstimator]:
    """Import the class at a path; raises RecipeError where there is none, or its package cannot be used."""
    module, _, name = path.rpartition(".")
    try:
        made = getattr(importlib.import_module(module or "sklearn"), name)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise recipe.error("estimator.class", f"{path!r} {_explain_import(path, error)}.") from error
    except Exception as error:  # A package may raise anything, such as an OSError for a library of the system.
        problem = f"{module} cannot be imported ({type(error).__name__}: {take_first_line(error)})"
        raise recipe.error("estimator.class", problem) from error
    missing = find_missing_methods(made)
    if not isinstance(made, type) or missing:
        problem = f"has no {', '.join(missing)}" if isinstance(made, type) else "is not a class"
        needed = f"write the path of a class with scikit-learn's interface: {', '.join(INTERFACE)}"
        raise recipe.error("estimator.class", f"{path!r} {problem}: {needed}.")
    return made


def _explain_import(path: str, error: Exception) -> str:
    """Say why a path cannot be imported: a package that is not installed, or a name that it lacks."""
    package, _, rest = path.partition(".")
    needed = error.name if isinstance(error, ModuleNotFoundError) and error.name else package
    if not rest or not package or needed.startswith(f"{package}.") or not isinstance(error, ModuleNotFoundError):
        return "does not exist: write a full path such as sklearn.linear_model.LinearRegression"
    if needed in PACKAGES:
        hint = "run `pip install -r requirements-boosters.txt`, and for a deployed site add it to requirements.in"
        return f"needs the package {PACKAGES[needed]!r}, which is not installed here: {hint}"
    hint = "correct the path, or add the package to requirements.in and install that"
    return f"needs the package {needed!r}, which is not installed here: {hint}"


def find_missing_methods(estimator: Any) -> list[str]:
    """List what an estimator, or its class, lacks of the interface that training uses."""
    if isinstance(estimator, BaseEstimator) or (isinstance(estimator, type) and issubclass(estimator, BaseEstimator)):
        return []
    return [method for method in INTERFACE if not callable(getattr(estimator, method, None))]


def list_params(made: type) -> list[str]:
    """The names of a class's parameters; of one that passes others on, also those of the classes that it inherits."""
    classes = made.__mro__ if takes_any_parameter(made) else (made,)
    signatures = [inspect.signature(each) for each in classes if each is made or "__init__" in vars(each)]
    named = [each for signature in signatures for each in signature.parameters.values() if each.kind in NAMED]
    return list(dict.fromkeys(each.name for each in named))


def _build_own(recipe: Recipe, schema: Schema, code: Code) -> BaseEstimator:
    """Call the recipe's pipeline.py as a module of the project, so that what it defines unpickles anywhere.

    Every step that takes a seed and has none gets the recipe's.
    """
    try:
        module = import_code(recipe.slug, code)
        build = getattr(module, "build", None)
        model: Any = build(schema) if callable(build) else None
    except (Exception, SystemExit) as error:  # Whatever it raises is about this recipe, and must not stop the others.
        raise RecipeError(f"{recipe.pipeline_file}: {type(error).__name__}: {error}") from error
    if not callable(build):
        raise RecipeError(f"{recipe.pipeline_file}: it must define build(schema), which returns an estimator.")
    missing = find_missing_methods(model)
    if isinstance(model, type) or missing:
        problem = "an object is needed" if isinstance(model, type) else f"it has no {', '.join(missing)}"
        raise RecipeError(
            f"{recipe.pipeline_file}: build(schema) returned {model!r}, not a scikit-learn estimator: {problem}."
        )
    unset = [key for key, value in model.get_params().items() if SEED.search(key) and value is None]
    return model.set_params(**dict.fromkeys(unset, recipe.seed))


def _build_default(estimator: BaseEstimator, schema: Schema, seed: int = 0) -> BaseEstimator:
    if takes_categories(estimator, schema) and not schema.text_columns:
        return build_for_categories(estimator, schema)
    name, tags = f"{type(estimator).__module__}.{type(estimator).__name__}", get_tags(estimator).input_tags
    others = replace(schema, features=tuple(each for each in schema.features if not isinstance(each, Text)))
    codes = find_codes(estimator, others)
    groups = group_columns(
        others,
        scales=not name.startswith(NEEDS_NO_SCALING),
        cyclic=not name.startswith(TAKES_ANY_SCALE),
        takes_missing=tags.allow_nan,
        codes=codes,
        seed=seed,
    )
    is_plain = all(steps == "passthrough" for _, steps, _ in groups)
    if codes:
        estimator.set_params(categorical_features=codes if is_plain else list(range(len(codes))))
    prepared = None if is_plain else ColumnTransformer(groups)
    if schema.text_columns:
        prepared = prepare_texts(schema, prepared, takes_sparse=tags.sparse, seed=seed)
    return make_pipeline(estimator) if prepared is None else make_pipeline(prepared, estimator)


def set_single_job(estimator: Any) -> None:
    """Make an estimator and all that is nested in it, fitted or not, run in one thread: a server runs many requests."""
    for each in find_nested(estimator):
        if vars(each).get("n_jobs") is not None:
            each.n_jobs = 1
        set_single_thread(each)


def find_nested(estimator: Any) -> Iterator[Any]:
    """Yield an object and every object nested in it, once each: parameters, fitted parts, steps in lists and arrays."""
    waiting, seen = [estimator], {id(estimator)}
    while waiting:
        each = waiting.pop()
        held: Iterable[Any] = ()
        if isinstance(each, Mapping):
            held = each.values()
        elif isinstance(each, list | tuple | set):
            held = each
        elif isinstance(each, np.ndarray):
            held = each.ravel() if each.dtype == object else ()
        elif hasattr(each, "__dict__") and not isinstance(each, type | ModuleType | FunctionType):
            yield each
            held = vars(each).values()
        fresh = {id(one): one for one in held if id(one) not in seen and not isinstance(one, PLAIN)}
        seen.update(fresh)  # In place: a vocabulary is long.
        waiting += fresh.values()


def find_own_libraries(estimator: Any) -> dict[str, str]:
    """The versions of the installed packages, but for scikit-learn's, whose objects are part of an estimator."""
    modules = {type(each).__module__.partition(".")[0] for each in find_nested(estimator)}
    modules -= sys.stdlib_module_names | {"sklearn", "numpy", "scipy", "predictor", "ml_models"}
    return find_packages(modules)


def find_packages(modules: Iterable[str]) -> dict[str, str]:
    """The versions of the installed packages that these modules belong to."""
    found = {_find_owners()[module][0] for module in modules if module in _find_owners()}
    return {package: importlib.metadata.version(package) for package in sorted(found)}


@cache
def _find_owners() -> Mapping[str, list[str]]:
    """The packages of each installed module: to read those of all takes a tenth of a second."""
    return importlib.metadata.packages_distributions()
