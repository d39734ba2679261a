"""Chooses parameters by cross-validation on the training rows, where the recipe has a `[tune]`."""

import itertools
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.stats
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, ParameterGrid, PredefinedSplit, RandomizedSearchCV

from predictor.exceptions import DatasetError, TrainingError
from predictor.formats import format_plain, write_count
from predictor.metrics.losses import join_losses, measure_losses
from predictor.metrics.names import Metric
from predictor.record.report import Tuning
from predictor.schema.table import take_rows, to_input
from predictor.schema.target import Target
from predictor.schema.values import Vector
from predictor.training.boosters import find_fit_arguments
from predictor.training.dataset import Dataset
from predictor.training.dispatch import FittedAlone, find_cluster
from predictor.training.evaluation import predict_rows
from predictor.training.holdout import assign_folds
from predictor.training.output import limit_output
from predictor.training.pipeline import find_inner, list_params
from predictor.training.progress import Progress
from predictor.training.recipe import DistributionRecipe, Recipe
from predictor.training.vectorising import fit_with_terms

Scorer = Callable[[Any, Any, Vector], float]
# The steps of the logarithmic scale on which integers are drawn.
LOG_STEPS = 1_000
# scikit-learn's warnings about candidates that failed; these are counted instead.
FAILURES = (r"\s*\d+ fits failed", "Scoring failed", "One or more of the test scores are non-finite")


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """An unfitted model with the chosen parameters, and how they were found."""

    model: BaseEstimator
    tuning: Tuning


def tune_model(recipe: Recipe, model: BaseEstimator, dataset: Dataset, metric: Metric, progress: Progress) -> Tuned:
    """Try the candidates of the recipe's `[tune]` on folds of the training rows; take the one with the least loss.

    The folds follow the rows' hashes, so that duplicates share a fold. A candidate that cannot be fitted is skipped
    and counted. Raises RecipeError for a parameter that the model does not have, DatasetError for too few rows, and
    TrainingError where no candidate could be fitted.
    """
    assert recipe.tune is not None  # noqa: S101  # Only called where there is something to tune.
    rows = dataset.training
    tries = _name_params(recipe, model, recipe.tune.params)
    folds = assign_folds(dataset.hashes[rows], recipe.tune.folds)
    used = len(np.unique(folds))
    if used < 2:
        raise DatasetError("too few different rows to tune on: leave out [tune], or provide more data.")
    cluster = find_cluster()
    tried, prefix = (FittedAlone(clone(model), cluster.check), "model__") if cluster else (clone(model), "")
    named = {f"{prefix}{full}": values for full, values in tries.items()}
    search = _make_search(tried, named, recipe.tune.candidates, recipe.seed)
    candidates = search.n_iter if isinstance(search, RandomizedSearchCV) else len(ParameterGrid(tries))
    progress(f"{recipe.slug}: tuning: {write_count(candidates, 'candidate')} on {used} folds")
    scorer, total = _make_scorer(metric, dataset.schema.target), candidates * used
    if not cluster:
        scorer = _count_calls(scorer, lambda done: progress(f"{recipe.slug}: tuning", done=done, total=total))
    search.set_params(cv=PredefinedSplit(folds), scoring=scorer)
    inputs = to_input(take_rows(dataset.inputs, rows))
    with warnings.catch_warnings():
        for message in FAILURES:
            warnings.filterwarnings("ignore", message=message)
        with cluster.configure() if cluster else nullcontext():
            _fit_search(search, inputs, dataset.target[rows], find_fit_arguments(model, dataset.schema))
    chosen = {name.removeprefix(prefix): value for name, value in search.best_params_.items()}
    if not np.isfinite(search.best_score_):
        raise TrainingError("no candidate of [tune] could be fitted and measured")
    tuning = Tuning(
        params={name: _to_plain(chosen[full]) for name, full in zip(recipe.tune.params, tries, strict=True)},
        metric=metric,
        score=float(1 + search.best_score_ if metric == "accuracy" else -search.best_score_),
        candidates=candidates,
        failed=int((~np.isfinite(search.cv_results_["mean_test_score"])).sum()),
        folds=used,
    )
    progress(f"{recipe.slug}: {_describe_chosen(tuning)}")
    best = {name: _to_plain(value) for name, value in chosen.items()}
    return Tuned(model=clone(model).set_params(**best), tuning=tuning)


def _describe_chosen(tuning: Tuning) -> str:
    chosen = ", ".join(f"{name} = {format_plain(value)}" for name, value in tuning.params.items())
    failed = f"; {write_count(tuning.failed, 'candidate')} could not be fitted" if tuning.failed else ""
    return f"chosen: {chosen}{failed}"


def _name_params(recipe: Recipe, model: BaseEstimator, params: dict[str, Any]) -> dict[str, Any]:
    """What to try, by the model's own parameter names; in the recipe, a pipeline's last step needs no prefix."""
    inner = find_inner(model)
    outer = "regressor__" if inner is not model else ""
    last = f"{outer}{inner.steps[-1][0]}__" if hasattr(inner, "steps") else outer
    # CatBoost's get_params gives only what is set.
    of_last = list_params(type(inner.steps[-1][1] if hasattr(inner, "steps") else inner))
    known = dict.fromkeys([*model.get_params(), *(f"{last}{name}" for name in of_last)])
    named = {}
    for name, tries in params.items():
        full = next((full for full in (f"{last}{name}", f"{outer}{name}") if full in known), None)
        if full is None:
            names = [key.removeprefix(last) for key in known if key.startswith(last) and "__" not in key[len(last) :]]
            raise recipe.error(f"tune.params.{name}", f"there is no such parameter; it may be {', '.join(names)}")
        named[full] = _make_distribution(tries) if isinstance(tries, DistributionRecipe) else tries
    return named


def _make_distribution(tries: DistributionRecipe) -> Any:
    low, high = tries.low, tries.high
    if isinstance(low, int) and isinstance(high, int):
        if not tries.log:
            return scipy.stats.randint(low, high + 1)
        return np.unique(np.geomspace(low, high, LOG_STEPS).round().astype(np.int64)).tolist()
    return scipy.stats.loguniform(low, high) if tries.log else scipy.stats.uniform(low, high - low)


def _make_search(
    model: BaseEstimator, tries: dict[str, Any], candidates: int | None, seed: int
) -> GridSearchCV | RandomizedSearchCV:
    if candidates is None:
        return GridSearchCV(model, tries, refit=False)
    if all(isinstance(each, list) for each in tries.values()):
        candidates = min(candidates, len(ParameterGrid(tries)))
    return RandomizedSearchCV(model, tries, n_iter=candidates, refit=False, random_state=seed)


def _fit_search(
    search: GridSearchCV | RandomizedSearchCV, inputs: Any, target: Vector, arguments: dict[str, Any]
) -> None:
    try:
        fit_with_terms(lambda: search.fit(inputs, target, **arguments), search.estimator)
    except ValueError as error:
        # Where no fit succeeds, scikit-learn's message ends with the cause of the last failure.
        cause = (str(error).strip() or "no reason given").splitlines()[-1]
        raise TrainingError(f"no candidate of [tune] could be fitted: {cause}") from error


def _make_scorer(metric: Metric, target: Target) -> Scorer:
    """Score as the gate does, negated; scikit-learn's own log loss needs every class in every fold."""

    def score(fitted: Any, inputs: Any, actual: Vector) -> float:
        if isinstance(fitted, FittedAlone):
            # Also in one thread: several would add up what trees say in any order.
            return fitted.run_alone(score, fitted.model, inputs, actual)
        predictions = predict_rows(limit_output(fitted, target), inputs, len(target.classes))
        return -float(join_losses(metric, measure_losses(metric, actual, predictions)))

    return score


def _count_calls(scorer: Scorer, notify: Callable[[int], None]) -> Scorer:
    counted = itertools.count(1)

    def score(fitted: Any, inputs: Any, actual: Vector) -> float:
        notify(next(counted))
        return scorer(fitted, inputs, actual)

    return score


def _to_plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
