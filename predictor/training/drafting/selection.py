"""Chooses the first estimator, target transform and interval, on folds of the training rows alone."""

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np

from predictor.exceptions import TrainingError
from predictor.metrics.losses import join_losses, measure_losses
from predictor.metrics.names import Metric
from predictor.schema.kinds import Task
from predictor.schema.table import take_rows
from predictor.schema.values import Mask, Vector
from predictor.training.dataset import Dataset
from predictor.training.evaluation import fit_model, predict_rows
from predictor.training.gate import choose_metric
from predictor.training.grouping import is_wide
from predictor.training.holdout import FOLDS, assign_folds, choose_lowest
from predictor.training.pipeline import build_pipeline
from predictor.training.recipe import EstimatorRecipe, IntervalWidth, Recipe, TargetTransform
from predictor.training.spread import fit_spread
from predictor.training.vectorising import LINEAR_ON_TEXTS

# Good ones to start with, as measured in docs/startmodel.md. Classification has no early stopping, which holds out rows
# of each class and fails where one has a single row; and it has a penalty, without which many uneven classes diverge.
SMALL_TREES = {"learning_rate": 0.05, "max_leaf_nodes": 15, "min_samples_leaf": 10, "max_features": 0.5}
DEFAULT_ESTIMATORS: dict[Task, EstimatorRecipe] = {
    "regression": EstimatorRecipe(
        path="sklearn.ensemble.HistGradientBoostingRegressor",
        params={**SMALL_TREES, "max_iter": 1000, "early_stopping": True, "n_iter_no_change": 20},
    ),
    "classification": EstimatorRecipe(
        path="sklearn.ensemble.HistGradientBoostingClassifier",
        params={**SMALL_TREES, "max_iter": 100, "early_stopping": False, "l2_regularization": 1.0},
    ),
}
LINEAR_ESTIMATORS: dict[Task, EstimatorRecipe] = {
    "regression": EstimatorRecipe(
        path="sklearn.linear_model.RidgeCV", params={"alphas": [0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]}
    ),
    "classification": EstimatorRecipe(path="sklearn.linear_model.LogisticRegression", params={"max_iter": 1000}),
}
REPEATS = 2
WINS = 8
# What keeps a large table from taking long: the last one limits all fits together, the others each.
MOST_ROWS, MOST_CELLS, MOST_CHARACTERS, SECONDS = 10_000, 5_000_000, 3_000_000, 60.0
# A target that varies less than this is nearly proportional to its logarithm.
LEAST_RATIO = 10
LEAST_GAIN, LEAST_ROWS = 0.05, 100


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What a first recipe may contain, and what people call it."""

    name: str
    estimator: EstimatorRecipe
    transform: TargetTransform | None = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A candidate with its mean score over the folds, and on how many of them it is better than the first one."""

    candidate: Candidate
    score: float
    wins: int


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The chosen candidate, and how all were measured: by `metric`, on `folds` folds of `rows` training rows.

    `is_late` is true where the time was over before all folds were measured. `interval` is set where that kind has the
    better interval score, by the share `gain`.
    """

    chosen: Candidate
    measured: tuple[Measured, ...] = ()
    metric: Metric = "rmse"
    folds: int = 0
    rows: int = 0
    is_late: bool = False
    interval: IntervalWidth | None = None
    gain: float = 0.0


@dataclass(kw_only=True)
class _Runner:
    """A candidate with its recipe, its score on each fold, and its out-of-fold predictions of the first repeat."""

    candidate: Candidate
    recipe: Recipe
    predicted: Vector
    scores: list[float] = field(default_factory=list)

    def count_wins(self, first: "_Runner") -> int:
        return sum(ours < theirs for ours, theirs in zip(self.scores, first.scores, strict=True))


def find_default(task: Task, *, only_texts: bool = False) -> EstimatorRecipe:
    """The estimator of a first recipe, before others are compared with it."""
    return next(iter(LINEAR_ON_TEXTS[task].values())) if only_texts else DEFAULT_ESTIMATORS[task]


def list_candidates(task: Task, given: EstimatorRecipe | None, dataset: Dataset) -> list[Candidate]:
    """The default first: what the author has given, or boosted trees; then what may be better.

    On texts alone, these are linear models.
    """
    texts = len(dataset.schema.text_columns)
    named = LINEAR_ON_TEXTS[task] if texts else {"linear model": LINEAR_ESTIMATORS[task]}
    linear = [Candidate(name=name, estimator=estimator) for name, estimator in named.items()]
    if given is not None:
        found = [Candidate(name=given.path.rpartition(".")[2], estimator=given)]
    elif texts == len(dataset.schema.features):
        found = linear
    else:
        found = [Candidate(name="boosted trees", estimator=DEFAULT_ESTIMATORS[task]), *linear]
    low, high = dataset.target.min(), dataset.target.max()
    if task == "regression" and low > 0 and high >= LEAST_RATIO * low:
        found += [
            Candidate(name=f"{each.name} on the logarithm", estimator=each.estimator, transform="log") for each in found
        ]
    return found


def select_candidate(
    recipe: Recipe, dataset: Dataset, candidates: list[Candidate], *, seconds: float = SECONDS
) -> Selection:
    """Choose the first candidate, unless another one is better on at least 8 of 10 folds: two repeats of five.

    The folds are of the training rows alone, of at most 10,000 of them. They follow the rows' hashes, so that
    duplicates share a fold. No fit begins after `seconds`, and no fold when no other candidate can be chosen any more.
    A candidate that cannot be fitted is left out.
    """
    rows = choose_lowest(dataset.hashes, dataset.training, _limit_rows(dataset))
    runners = [
        _Runner(
            candidate=each,
            recipe=msgspec.structs.replace(recipe, estimator=each.estimator, target_transform=each.transform),
            predicted=np.full(len(dataset.target), np.nan),
        )
        for each in candidates
    ]
    has_probabilities = hasattr(build_pipeline(runners[0].recipe, dataset.schema), "predict_proba")
    metric = choose_metric(recipe, dataset.schema.target.task, has_probabilities=has_probabilities)
    first, deadline, is_late = runners[0], time.perf_counter() + seconds, False
    for number, (training, tested) in enumerate(_split_rows(dataset, rows)):
        if not _is_open(runners, number, dataset):
            break
        measured = []
        for each in runners:
            is_late = time.perf_counter() > deadline
            if not is_late and _measure_fold(each, dataset, training, tested, metric):
                measured.append(each)
            if is_late or first not in measured:
                break
        if is_late:
            for each in runners:  # Only whole folds count.
                del each.scores[number:]
            break
        if first not in measured:
            return Selection(chosen=first.candidate)
        runners = measured
    return _choose(runners, dataset, metric, int(rows.sum()), is_late=is_late)


def _limit_rows(dataset: Dataset) -> int:
    """How many rows to measure on: fewer where one-hot columns or trees are many, or texts are long."""
    choices = [len(feature.choices) for feature in dataset.schema.features]
    width = sum(1 if is_wide(count) else max(1, count) for count in choices)
    most = min(MOST_ROWS, MOST_CELLS // (width * max(1, len(dataset.schema.target.classes) // 10)))
    length = sum(len(text or "") for texts in dataset.texts.values() for text in texts) / len(dataset.target)
    return min(most, max(LEAST_ROWS, int(MOST_CHARACTERS / max(1.0, length))))


def _split_rows(dataset: Dataset, rows: Mask) -> Iterator[tuple[Mask, Mask]]:
    """The rows to fit on and those to measure on, for each fold that has both."""
    for repeat in range(REPEATS):
        folds = assign_folds(dataset.hashes, repeat=repeat)
        for fold in range(FOLDS):
            tested = rows & (folds == fold)
            if tested.any() and (rows & ~tested).any():
                yield rows & ~tested, tested


def _is_open(runners: list[_Runner], done: int, dataset: Dataset) -> bool:
    """Whether another fold may change the choice; one candidate alone needs a fold for each row, for its interval."""
    if len(runners) == 1:
        return dataset.schema.target.task == "regression" and done < FOLDS
    left = FOLDS * REPEATS - done
    return any(each.count_wins(runners[0]) + left >= WINS for each in runners[1:])


def _measure_fold(runner: _Runner, dataset: Dataset, training: Mask, tested: Mask, metric: Metric) -> bool:
    """Fit on some rows and measure on others; false where that fails."""
    model = build_pipeline(runner.recipe, dataset.schema)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # A retrain, on all rows, shows what matters.
            fitted = fit_model(model, dataset, training)
            inputs = take_rows(dataset.inputs, tested)
            predictions = predict_rows(fitted, inputs, len(dataset.schema.target.classes))
    except TrainingError:
        return False
    with np.errstate(over="ignore"):
        score = float(join_losses(metric, measure_losses(metric, dataset.target[tested], predictions)))
    if len(runner.scores) < FOLDS:
        runner.predicted[tested] = predictions.predicted
    runner.scores.append(score)
    return bool(np.isfinite(score))


def _choose(runners: list[_Runner], dataset: Dataset, metric: Metric, rows: int, *, is_late: bool) -> Selection:
    first = runners[0]
    winners = [each for each in runners[1:] if each.count_wins(first) >= WINS]
    chosen = min(winners, key=lambda each: np.mean(each.scores), default=first)
    interval, gain = _choose_interval(chosen, dataset)
    if not first.scores:
        return Selection(chosen=first.candidate, is_late=is_late, interval=interval, gain=gain)
    measured = [
        Measured(candidate=each.candidate, score=float(np.mean(each.scores)), wins=each.count_wins(first))
        for each in runners
    ]
    return Selection(
        chosen=chosen.candidate,
        measured=tuple(measured),
        metric=metric,
        folds=len(first.scores),
        rows=rows,
        is_late=is_late,
        interval=interval,
        gain=gain,
    )


def _choose_interval(chosen: _Runner, dataset: Dataset) -> tuple[IntervalWidth | None, float]:
    """A width that follows the prediction, where its interval score is better by 5 %; the logarithm's always does."""
    known = np.isfinite(chosen.predicted)
    is_free = dataset.schema.target.task == "regression" and chosen.candidate.transform is None
    if not is_free or int(known.sum()) < LEAST_ROWS:
        return None, 0.0
    fit = fit_spread(dataset.target[known], chosen.predicted[known])
    return ("scaled", fit.gain) if fit.gain >= LEAST_GAIN else (None, 0.0)
