"""Decides whether a challenger replaces the champion, from their losses on the same held-out rows."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from msgspec.structs import replace

from predictor.formats import format_number
from predictor.metrics.bootstrap import find_interval, resample
from predictor.metrics.interval import Interval
from predictor.metrics.losses import measure_losses, score_losses
from predictor.metrics.names import LABELS, MEASURED, METRICS, Metric, describe_scale, format_score
from predictor.record.decision import Decision
from predictor.record.written_decision import write_reason
from predictor.schema.kinds import Task
from predictor.schema.values import Matrix, Vector
from predictor.training.evaluation import Evaluation, Scores
from predictor.training.recipe import GateRecipe, Recipe

Mode = Literal["if-better", "always", "never"]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Losses per row, each of shape (n,), of the three that are compared, and how many rows were left out.

    A gain up to `tolerance`, in the metric's unit, counts as none: rounding alone may cause it.
    """

    metric: Metric
    champion: Vector
    challenger: Vector
    baseline: Vector
    left_out: int
    tolerance: float = 0.0


def check_gate(recipe: Recipe, task: Task) -> None:
    """Raise RecipeError where `[gate]` names metrics that this task does not have."""
    if recipe.gate.metric is not None and recipe.gate.metric not in METRICS[task]:
        wanted = " or ".join(map(repr, METRICS[task]))
        raise recipe.error("gate.metric", f"must be {wanted} for a {task}, not {recipe.gate.metric!r}")
    for name in recipe.gate.limits:
        if name.rpartition("_")[0] not in MEASURED[task]:
            raise recipe.error(f"gate.{name}", f"a {task} has no such metric; it has {', '.join(MEASURED[task])}")


def choose_metric(recipe: Recipe, task: Task, *, has_probabilities: bool) -> Metric:
    """The recipe's metric, or RMSE; log loss, or accuracy where there are no probabilities.

    Raises RecipeError where the recipe wants the log loss of an estimator without probabilities.
    """
    if recipe.gate.metric == "log_loss" and not has_probabilities:
        raise recipe.error("gate.metric", "must be 'accuracy': this estimator gives no probabilities")
    if recipe.gate.metric is not None:
        return recipe.gate.metric
    if task == "regression":
        return "rmse"
    return "log_loss" if has_probabilities else "accuracy"


def measure_both(metric: Metric, evaluation: Evaluation) -> Matrix:
    """The losses of the dummy and of the model, row by row, shape (2, n)."""
    both = (evaluation.baseline_predictions, evaluation.predictions)
    return np.stack([measure_losses(metric, evaluation.actual, predictions) for predictions in both])


def find_broken_limit(gate: GateRecipe, scores: Scores) -> str | None:
    """Say which of the recipe's absolute limits the scores break; None where they break none."""
    for name, limit in gate.limits.items():
        metric, _, side = name.rpartition("_")
        score = scores.get(metric)
        if score is None:
            return f"the recipe limits {LABELS[metric]}, which was not measured"
        if (score > limit) if side == "max" else (score < limit):
            word = "above" if side == "max" else "below"
            return (
                f"{LABELS[metric]} {format_score(metric, score)} is {word} the recipe's limit of {format_number(limit)}"
            )
    return None


def decide_unopposed(
    gate: GateRecipe,
    scores: Scores,
    baseline: Scores,
    metric: Metric,
    losses: Matrix,
    tolerance: float = 0.0,
    seed: int = 0,
    *,
    why: str = "the first version",
) -> Decision:
    """Without a champion, a version goes live, unless it breaks a limit or is significantly worse than a dummy.

    One that does not beat the dummy gets a warning; it is significantly worse where the whole 95 % interval of its gain
    lies below 0, by more than `tolerance`. `losses` has shape (2, n): the dummy's and the version's, row by row.
    `why` says why there is no champion.
    """
    first = Decision(
        promoted=True,
        verdict="unopposed",
        reason=why,
        metric=metric,
        challenger_score=scores.get(metric),
        baseline_score=baseline.get(metric),
    )
    broken = find_broken_limit(gate, scores)
    if broken:
        return replace(first, promoted=False, verdict="over a limit", reason=broken)
    sign = -1 if metric == "accuracy" else 1
    if metric in scores and sign * scores[metric] >= sign * baseline[metric]:
        gain = find_interval(*resample(metric, losses, seed).T)
        figures = (
            f"{LABELS[metric]} {format_score(metric, scores[metric])} against {format_score(metric, baseline[metric])}"
        )
        warned = replace(
            first, reason=f"{why}; WARNING: it does not beat the baseline ({figures})", gain_over_baseline=gain
        )
        if gain.high >= -tolerance:
            return warned
        rows = format_number(losses.shape[1])
        reason = f"{why}, but surely worse than the baseline on {rows} rows ({figures}): {_write(metric, gain)}"
        return replace(warned, promoted=False, verdict="worse than the baseline", reason=reason)
    return first


def decide_contest(gate: GateRecipe, scores: Scores, contest: Contest, *, champion: int, seed: int) -> Decision:
    """Compare a challenger with the champion, version number `champion`, on the rows that both can score."""
    metric = contest.metric
    losses = np.stack([contest.champion, contest.challenger, contest.baseline])
    theirs, ours, baseline = resample(metric, losses, seed).T
    gain, over_baseline = find_interval(theirs, ours), find_interval(baseline, ours)
    broken = find_broken_limit(gate, scores)
    verdict = "over a limit" if broken else _judge(gate, contest, gain, over_baseline)
    decision = Decision(
        promoted=verdict == "better",
        verdict=verdict,
        reason=broken or "",
        metric=metric,
        rows=len(contest.challenger),
        left_out=contest.left_out,
        champion=champion,
        champion_score=score_losses(metric, contest.champion),
        challenger_score=score_losses(metric, contest.challenger),
        baseline_score=score_losses(metric, contest.baseline),
        gain=gain,
        gain_over_baseline=over_baseline,
    )
    return replace(decision, reason=write_reason(decision))


def refuse_comparison(cause: str, step: str, *, champion: int) -> Decision:
    """The decision where two versions cannot be compared, with its cause and, unless it is empty, the next step."""
    reason = f"cannot compare: {cause}; next, {step}" if step else f"cannot compare: {cause}"
    return Decision(promoted=False, verdict="cannot compare", reason=reason, champion=champion)


def _judge(gate: GateRecipe, contest: Contest, gain: Interval, over_baseline: Interval) -> str:
    """The verdict, for which `record.written_decision` has a sentence."""
    if over_baseline.low <= contest.tolerance:
        return "no better than the baseline"
    if gain.low > max(gate.minimum_gain, contest.tolerance):
        return "better"
    if gain.high < -contest.tolerance:
        return "worse"
    return "too little" if gain.high < gate.minimum_gain - contest.tolerance else "cannot tell"


def _write(metric: Metric, gain: Interval) -> str:
    return f"95 % interval {describe_scale(metric).write_range(gain.low, gain.high)}"
