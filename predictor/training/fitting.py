"""Carries out a recipe on its dataset: builds the model, tunes, fits and measures it, and stores nothing."""

import time
from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator

from predictor.estimators.own_code import Code, read_code
from predictor.formats import format_number
from predictor.metrics.names import Metric
from predictor.record.data_changes import DataChanges
from predictor.record.loss_model import LossModel
from predictor.record.report import Tuning
from predictor.training.dataset import Dataset, describe_target
from predictor.training.evaluation import HOLD_OUT, Evaluation, evaluate_model, fit_model, predict_out_of_fold
from predictor.training.gate import check_gate, choose_metric
from predictor.training.holdout import choose_lowest
from predictor.training.loss_model import fit_loss_model
from predictor.training.measured_losses import FEWEST_ROWS
from predictor.training.observed import Observed
from predictor.training.output import check_probabilities, note_beyond
from predictor.training.pipeline import build_pipeline
from predictor.training.progress import Progress
from predictor.training.recipe import Recipe
from predictor.training.spread import Spread, fit_spread
from predictor.training.tuning import tune_model

# Five models on this many rows show how residuals grow; on all rows they would take five times the fit.
MOST_SPREAD_ROWS = 10_000


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A fitted estimator that is not stored yet, and all that it is judged by.

    `share` is that of the rows that were held out; None where the training rows are unknown. `started` is the moment
    when the training began, by `time.perf_counter`. `fit_seconds` is None for an import, which was fitted elsewhere.
    `spread` is what the width of its intervals follows; None where they have the same width everywhere. `loss_model`
    says how large its losses are; None where too few rows were measured. `data_changes` says how its table differs from
    that of the version before; None where there was none that was trained here.
    """

    recipe: Recipe
    dataset: Dataset
    fitted: Any
    evaluation: Evaluation
    share: float | None
    code: str | None
    started: float
    fit_seconds: float | None = None
    tuning: Tuning | None = None
    observed: Observed | None = None
    spread: Spread | None = None
    loss_model: LossModel | None = None
    recipe_sha256: str | None = None
    data_changes: DataChanges | None = None

    @property
    def metric(self) -> Metric:
        """The metric that it is judged by: the recipe's, or the default of its task."""
        task = self.dataset.schema.target.task
        return choose_metric(self.recipe, task, has_probabilities="log_loss" in self.evaluation.scores)


def fit_recipe(
    recipe: Recipe,
    dataset: Dataset,
    observed: Observed | None,
    progress: Progress,
    *,
    started: float,
    recipe_sha256: str | None,
) -> Trained:
    """Fit and measure the recipe's model. Raises RecipeError, DatasetError, TrainingError, or an estimator's error."""
    dataset = describe_target(recipe, dataset)
    for note in note_beyond(dataset.schema.target, dataset.target):
        progress(f"{recipe.slug}: {note}")
    check_gate(recipe, dataset.schema.target.task)
    # Read once: the signed code must be the one that was trained.
    code = read_code(recipe.pipeline_file)
    model, tuning = _choose_model(recipe, dataset, code, progress)
    progress(f"{recipe.slug}: fitting on {format_number(int(dataset.training.sum()))} rows")
    fit_started, busy_before = time.perf_counter(), time.process_time()
    fitted = fit_model(model, dataset, dataset.training)
    fit_seconds, busy_seconds = time.perf_counter() - fit_started, time.process_time() - busy_before
    progress(f"{recipe.slug}: measuring")
    evaluation = evaluate_model(model, fitted, dataset)
    return Trained(
        recipe=recipe,
        dataset=dataset,
        fitted=fitted,
        evaluation=evaluation,
        share=recipe.holdout,
        code=code.sha256 if code else None,
        started=started,
        fit_seconds=fit_seconds,
        tuning=tuning,
        observed=observed,
        spread=_find_spread(recipe, model, dataset, evaluation, progress),
        loss_model=_find_loss_model(recipe, model, dataset, evaluation, progress, busy_seconds=busy_seconds),
        recipe_sha256=recipe_sha256,
    )


def _choose_model(
    recipe: Recipe, dataset: Dataset, code: Code | None, progress: Progress
) -> tuple[BaseEstimator, Tuning | None]:
    """The unfitted model, with the best of the parameters that the recipe tries, and how they were found."""
    model = build_pipeline(recipe, dataset.schema, code)
    check_probabilities(recipe, dataset.schema.target, model)
    if recipe.tune is None:
        return model, None
    has_probabilities = hasattr(model, "predict_proba")
    metric = choose_metric(recipe, dataset.schema.target.task, has_probabilities=has_probabilities)
    tuned = tune_model(recipe, model, dataset, metric, progress)
    return tuned.model, tuned.tuning


def _find_spread(
    recipe: Recipe, model: BaseEstimator, dataset: Dataset, evaluation: Evaluation, progress: Progress
) -> Spread | None:
    """What the width of intervals follows where the recipe wants that, fitted without the held-out rows."""
    if recipe.interval != "scaled":
        return None
    if evaluation.method != HOLD_OUT:
        return fit_spread(evaluation.actual, evaluation.predictions.predicted).spread
    progress(f"{recipe.slug}: fitting the width of intervals")
    rows = choose_lowest(dataset.hashes, dataset.training, MOST_SPREAD_ROWS)
    predictions = predict_out_of_fold(model, dataset, rows)
    return fit_spread(dataset.target[rows], predictions.predicted).spread


def _find_loss_model(
    recipe: Recipe,
    model: BaseEstimator,
    dataset: Dataset,
    evaluation: Evaluation,
    progress: Progress,
    *,
    busy_seconds: float,
) -> LossModel | None:
    """How its losses depend on inputs; None where there are too few rows to say that."""
    if len(dataset.target) < FEWEST_ROWS:
        return None
    progress(f"{recipe.slug}: fitting how large its losses are")
    return fit_loss_model(model, dataset, evaluation, fit_seconds=busy_seconds)
