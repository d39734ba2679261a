"""The gate's promises, on losses made up for it; test_contest.py has real models."""

import numpy as np
import pytest

from predictor.exceptions import RecipeError
from predictor.metrics import bootstrap
from predictor.metrics.losses import Predictions
from predictor.training import gate
from predictor.training.gate import Contest
from predictor.training.recipe import GateRecipe, Recipe
from tests.recipes import LINE, make_recipe

RUNS, ROWS = 200, 200


def decide(contest, recipe=None, scores=None):
    measured = scores or {"rmse": 1.0}
    return gate.decide_contest(recipe or GateRecipe(), measured, contest, champion=3, seed=0)


def decide_first(metric, score, baseline, recipe=None, losses=((1.0, 2.0), (2.0, 1.0)), **how):
    """Decide on a first version; `losses` are the dummy's, then its own."""
    return gate.decide_unopposed(recipe or GateRecipe(), score, baseline, metric, np.array(losses), **how)


def make_contest(champion_error, challenger_error, rows=ROWS, metric="rmse", spread=4.0, seed=0):
    """Losses of two models that share the truth's noise (variance 0.7) and add errors of their own."""
    random = np.random.default_rng(seed)
    noise, truth = random.normal(0, 0.7**0.5, rows), random.normal(0, spread, rows)
    errors = [noise + random.normal(0, variance**0.5, rows) for variance in (champion_error, challenger_error)]
    champion, challenger, baseline = (
        gate.measure_losses(metric, e, Predictions(predicted=0 * e)) for e in (*errors, truth)
    )
    return Contest(metric=metric, champion=champion, challenger=challenger, baseline=baseline, left_out=2)


def test_challengers_of_equal_worth_are_promoted_in_at_most_5_percent_of_200_runs():
    promoted = sum(decide(make_contest(0.3, 0.3, seed=run)).promoted for run in range(RUNS))
    assert promoted <= RUNS * 0.05


def test_a_challenger_with_30_percent_less_squared_error_is_promoted_in_at_least_95_percent_of_200_runs():
    promoted = sum(decide(make_contest(0.3, 0.0, seed=run)).promoted for run in range(RUNS))
    assert promoted >= RUNS * 0.95


def test_a_better_challenger_is_promoted_and_the_reason_names_rows_and_interval():
    decision = decide(make_contest(3.0, 0.0))
    assert (decision.promoted, decision.verdict, decision.champion, decision.left_out) == (True, "better", 3, 2)
    assert decision.reason.startswith("better than version 3: RMSE gains on 200 rows, 95 % interval ")
    assert decision.champion_score > decision.challenger_score
    assert decision.gain.low > 0


@pytest.mark.parametrize(
    ("champion_error", "challenger_error", "rows", "verdict"),
    [(0.0, 3.0, 200, "worse"), (0.3, 0.3, 200, "cannot tell"), (0.3, 0.2, 20, "cannot tell")],
)
def test_others_are_kept_back_with_the_reason(champion_error, challenger_error, rows, verdict):
    decision = decide(make_contest(champion_error, challenger_error, rows))
    assert (decision.promoted, decision.verdict) == (False, verdict)
    assert f"{rows} rows" in decision.reason


def test_no_better_than_the_baseline_is_kept_back_even_if_better_than_the_champion():
    decision = decide(make_contest(50.0, 1.0, spread=1.0))
    assert (decision.promoted, decision.verdict) == (False, "no better than the baseline")


def test_not_surely_better_than_the_baseline_is_kept_back_too():
    decision = decide(make_contest(50.0, 0.0, spread=0.87))
    assert decision.baseline_score > decision.challenger_score
    assert decision.gain_over_baseline.low < 0 < decision.gain_over_baseline.high
    assert (decision.promoted, decision.verdict) == (False, "no better than the baseline")


def test_the_gain_must_lie_above_the_recipes_minimum():
    contest = make_contest(1.5, 0.0)
    gain = decide(contest).gain
    minimums = {gain.low * 0.9: "better", (gain.low + gain.high) / 2: "cannot tell", gain.high * 1.1: "too little"}
    for minimum, verdict in minimums.items():
        assert decide(contest, GateRecipe(minimum_gain=minimum)).verdict == verdict


def test_the_same_losses_are_decided_alike_every_time():
    contest = make_contest(0.3, 0.1)
    assert decide(contest) == decide(contest)


@pytest.mark.parametrize("rows", [ROWS, bootstrap.MOST_DRAWN_ROWS + 1])
def test_what_is_drawn_follows_the_seed(rows):
    losses = np.random.default_rng(0).gamma(1.0, size=(2, rows))
    first, again, other = (gate.resample("rmse", losses, seed) for seed in (0, 0, 1))
    assert first.shape == (2_000, 2)
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("outlier", [0.0, 1e4], ids=["even", "with an outlier"])
def test_very_many_rows_give_the_interval_that_drawing_them_gives(monkeypatch, outlier):
    random = np.random.default_rng(0)
    losses = random.gamma(1.0, size=(2, 60_000))
    losses[0, 0] += outlier
    quick = gate.find_interval(*gate.resample("rmse", losses, 0).T)
    monkeypatch.setattr(bootstrap, "MOST_DRAWN_ROWS", 100_000)
    drawn = gate.find_interval(*gate.resample("rmse", losses, 1).T)
    width = drawn.high - drawn.low
    assert quick.low == pytest.approx(drawn.low, abs=0.1 * width)
    assert quick.high == pytest.approx(drawn.high, abs=0.1 * width)


def test_many_rows_are_resampled_in_pieces_to_the_same_kind_of_interval(monkeypatch):
    contest = make_contest(0.3, 0.0)
    losses = np.stack([contest.champion, contest.challenger])
    whole = gate.find_interval(*gate.resample("rmse", losses, 0).T)
    monkeypatch.setattr(bootstrap, "NUMBERS_AT_ONCE", 1000)
    pieces = gate.find_interval(*gate.resample("rmse", losses, 0).T)
    assert pieces.low == pytest.approx(whole.low, abs=0.02)
    assert pieces.high == pytest.approx(whole.high, abs=0.02)


@pytest.mark.parametrize(
    ("limits", "scores", "broken"),
    [
        ({"rmse_max": 2.0}, {"rmse": 2.5}, "RMSE 2.5 is above the recipe's limit of 2"),
        ({"rmse_max": 2.0}, {"rmse": 2.0}, None),
        ({"accuracy_min": 0.9}, {"accuracy": 0.8}, "accuracy 0.8 is below the recipe's limit of 0.9"),
        ({"log_loss_max": 1.0}, {"accuracy": 0.8}, "the recipe limits log loss, which was not measured"),
    ],
)
def test_an_absolute_limit_refuses_also_the_first_version(limits, scores, broken):
    recipe = GateRecipe(**limits)
    assert gate.find_broken_limit(recipe, scores) == broken
    metric = "accuracy" if "accuracy" in scores else "rmse"
    first = decide_first(metric, scores, {"rmse": 9.0, "accuracy": 0.1}, recipe)
    assert first.promoted == (broken is None)
    later = decide(make_contest(3.0, 0.0), recipe, scores)
    assert later.promoted == (broken is None)


@pytest.mark.parametrize(
    ("metric", "score", "baseline", "warned"),
    [("rmse", 2.0, 1.0, True), ("rmse", 1.0, 2.0, False), ("accuracy", 0.5, 0.6, True), ("accuracy", 0.7, 0.6, False)],
)
def test_a_first_version_goes_live_with_a_warning_where_a_dummy_is_as_good(metric, score, baseline, warned):
    decision = decide_first(metric, {metric: score}, {metric: baseline})
    assert (decision.promoted, decision.verdict) == (True, "unopposed")
    assert ("WARNING" in decision.reason) == warned


@pytest.mark.parametrize(
    ("gain", "tolerance", "is_worse"),
    [(-0.5, 0.0, True), (-0.5, 0.4, True), (-0.5, 0.6, False), (-1e-12, 1e-9, False), (-1e-12, 0.0, True)],
)
@pytest.mark.parametrize("metric", ["mae", "log_loss"])
def test_a_first_version_that_is_surely_worse_than_a_dummy_is_kept_back(metric, gain, tolerance, is_worse):
    losses = [np.full(50, 2.0), np.full(50, 2.0 - gain)]
    decision = decide_first(metric, {metric: 2.0 - gain}, {metric: 2.0}, losses=losses, tolerance=tolerance)
    assert decision.promoted != is_worse
    assert decision.verdict == ("worse than the baseline" if is_worse else "unopposed")
    assert decision.gain_over_baseline.high == pytest.approx(gain)
    if is_worse:
        assert decision.reason.startswith("the first version, but surely worse than the baseline on 50 rows (")


def test_a_first_version_that_is_worse_but_not_surely_goes_live_with_the_warning():
    random = np.random.default_rng(0)
    losses = random.gamma(1.0, size=(2, 40))
    losses[1] += losses[0].mean() - losses[1].mean() + 0.01
    decision = decide_first("mae", {"mae": losses[1].mean()}, {"mae": losses[0].mean()}, losses=losses)
    assert decision.gain_over_baseline.high > 0
    assert (decision.promoted, "WARNING" in decision.reason) == (True, True)


@pytest.mark.parametrize("rounding", [1e-17, -1e-17, 1e-12, -1e-12, 0.0])
@pytest.mark.parametrize("metric", ["rmse", "mae", "log_loss", "accuracy"])
def test_a_gain_of_rounding_is_neither_better_nor_worse(metric, rounding):
    losses = np.random.default_rng(0).gamma(1.0, size=200)
    contest = Contest(
        metric=metric,
        champion=losses,
        challenger=losses * (1 - rounding) - rounding,
        baseline=losses * 9,
        left_out=0,
        tolerance=1e-6,
    )
    decision = decide(contest)
    assert (decision.promoted, decision.verdict) == (False, "cannot tell")
    assert decide(contest, GateRecipe(minimum_gain=1e-9)).verdict == "cannot tell"
    assert decide(contest, GateRecipe(minimum_gain=0.5)).verdict == "too little"


@pytest.mark.parametrize(("gain", "verdict"), [(2e-6, "better"), (-2e-6, "worse"), (0.9e-6, "cannot tell")])
def test_a_gain_beyond_the_tolerance_is_decided_on(gain, verdict):
    losses = np.random.default_rng(0).gamma(1.0, size=200)
    contest = Contest(
        metric="mae", champion=losses, challenger=losses - gain, baseline=losses * 9, left_out=0, tolerance=1e-6
    )
    assert decide(contest).verdict == verdict


def test_a_gain_over_the_baseline_of_rounding_is_none():
    losses = np.random.default_rng(0).gamma(1.0, size=200)
    contest = Contest(
        metric="mae", champion=losses * 2, challenger=losses, baseline=losses + 1e-12, left_out=0, tolerance=1e-6
    )
    assert decide(contest).verdict == "no better than the baseline"


@pytest.mark.parametrize(
    ("chosen", "task", "has_probabilities", "metric"),
    [
        (None, "regression", False, "rmse"),
        ("mae", "regression", False, "mae"),
        (None, "classification", True, "log_loss"),
        (None, "classification", False, "accuracy"),
        ("accuracy", "classification", True, "accuracy"),
    ],
)
def test_the_metric_is_the_recipes_or_the_tasks_own(chosen, task, has_probabilities, metric):
    recipe = Recipe(title="t", target="y", data="d", gate=GateRecipe(metric=chosen))
    assert gate.choose_metric(recipe, task, has_probabilities=has_probabilities) == metric


def test_the_log_loss_of_an_estimator_without_probabilities_is_refused():
    recipe = Recipe(title="t", target="y", data="d", gate=GateRecipe(metric="log_loss"))
    with pytest.raises(RecipeError, match="must be 'accuracy'"):
        gate.choose_metric(recipe, "classification", has_probabilities=False)


def test_losses_join_to_the_metric_they_are_named_after():
    actual, predicted = np.array([0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0])
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
    answers = Predictions(predicted=predicted, probabilities=probabilities)
    assert gate.measure_losses("mae", actual, answers).tolist() == [0, 0, 1]
    assert gate.measure_losses("rmse", actual * 3, Predictions(predicted=predicted)).tolist() == [0, 4, 9]
    assert gate.measure_losses("accuracy", actual, answers).tolist() == [0, 0, 1]
    assert gate.measure_losses("log_loss", actual, answers) == pytest.approx(-np.log([0.9, 0.8, 0.5]))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("metric = 'accuracy'", "gate.metric: must be 'rmse' or 'mae' for a regression, not 'accuracy'"),
        ("metric = 'r2'", "gate.metric: must be 'rmse' or 'mae' or 'log_loss' or 'accuracy', not 'r2'"),
        ("accuracy_min = 0.5", "gate.accuracy_min: a regression is not measured so: it has mae, rmse, r2"),
        ("minimum_gain = -1", "gate.minimum_gain: must be a number >= 0.0, not -1"),
        ("rsme_max = 1", "gate.rsme_max: there is no such key; it may be one of metric, minimum_gain"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused(tmp_path, said, message):
    with pytest.raises(RecipeError) as caught:
        gate.check_gate(make_recipe(tmp_path, toml=f"{LINE}\n[gate]\n{said}\n"), "regression")
    assert message in str(caught.value)
