"""What a first recipe contains is chosen on folds of the training rows."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from predictor.training.dataset import load_dataset
from predictor.training.drafting.draft import describe_selection, write_report
from predictor.training.drafting.folder import start_model
from predictor.training.drafting.selection import LINEAR_ESTIMATORS, list_candidates, select_candidate
from predictor.training.evaluation import evaluate_model, fit_model
from predictor.training.pipeline import build_pipeline
from predictor.training.recipe import read_recipe

RIDGE, LOGISTIC = (LINEAR_ESTIMATORS[task].path for task in ("regression", "classification"))
TREES = "sklearn.ensemble.HistGradientBoostingRegressor"


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Begin a model from a table's columns, or once from one of TABLES; give its draft, recipe and model.toml."""

    def call(columns, *, estimator=None):
        folder = tmp_path_factory.mktemp("begun")
        pl.DataFrame(columns).write_csv(folder / "table.csv")
        draft = start_model(folder / "ml_models", "made", folder / "table.csv", "y", estimator)
        recipe = read_recipe(folder / "ml_models", "made")
        return draft, recipe, recipe.file.read_text(encoding="utf-8")

    @cache
    def call_once(name, estimator):
        return call(TABLES[name], estimator=estimator)

    def begin(table, estimator=None):
        return call_once(table, estimator) if isinstance(table, str) else call(table, estimator=estimator)

    return begin


def make_table(make_target, rows=300, seed=1):
    random = np.random.default_rng(seed)
    a, b = random.uniform(0, 10, rows).round(2), random.uniform(0, 10, rows).round(2)
    return {"a": a, "b": b, "y": make_target(a, b, random)}


TABLES = {
    "linear": make_table(lambda a, b, random: (3 * a - 2 * b + random.normal(0, 0.5, len(a))).round(3)),
    "steps": make_table(lambda a, b, random: (a > 5) * 20 + (b > 3) * (a < 4) * 9 + random.normal(0, 1, len(a))),
    "exponential": make_table(lambda a, b, random: np.exp(a + 0.1 * b + random.normal(0, 0.2, len(a))).round(4)),
    "growing": make_table(lambda a, b, random: (5 * a * (1 + random.normal(0, 0.2, len(a)))).clip(0).round(3)),
    "classes": make_table(lambda a, b, random: np.where(a - b + random.normal(0, 1, len(a)) > 0, "more", "less")),
}


def test_a_linear_model_is_chosen_where_it_wins_on_8_of_10_folds_and_both_scores_are_said(start):
    draft, recipe, toml = start("linear")
    assert recipe.estimator.path == RIDGE
    trees, linear, *_ = draft.selection.measured
    assert linear.wins >= 8
    assert linear.score < trees.score
    rows = int(load_dataset(recipe).training.sum())
    for text in (toml, write_report(draft)):
        assert f"RMSE on 10 folds of {rows} training rows:" in text
        assert f"- boosted trees: {trees.score:.3f}" in text
        assert f"- linear model: {linear.score:.4f}, better on {linear.wins} folds: chosen" in text


def test_trees_stay_where_a_linear_model_does_not_win_and_both_scores_are_said(start):
    draft, recipe, toml = start("steps")
    assert recipe.estimator.path == TREES
    assert "- boosted trees: 1." in toml
    assert "- linear model: 5." in toml
    assert draft.selection.folds == 3  # After three lost folds, it cannot win on eight.


@pytest.mark.parametrize(("noise", "penalty"), [(0.0, 100), (0.4, 3)])
def test_texts_choose_how_far_their_words_are_trusted(start, noise, penalty):
    random = np.random.default_rng(0)
    classes = random.integers(0, 2, 240)
    words = [random.choice(("plain", "round", "green", "small", "heavy", "late"), 4) for _ in classes]
    texts = [" ".join([*some, ("bad", "good")[kind]]) for some, kind in zip(words, classes, strict=True)]
    wrong = random.random(240) < noise
    draft, recipe, _ = start({"said": [f"{text} no. {i}" for i, text in enumerate(texts)], "y": classes ^ wrong})
    assert recipe.estimator.params["C"] == penalty
    assert draft.selection.measured[0].candidate.estimator.params["C"] == 10


def test_classes_are_compared_by_their_log_loss(start):
    _, recipe, toml = start("classes")
    assert recipe.estimator.path == LOGISTIC
    assert "log loss on 10 folds" in toml
    assert recipe.target_transform is recipe.interval is None


def test_few_rows_of_many_classes_are_begun_with_a_linear_model(start):
    random = np.random.default_rng(3)
    kinds = np.repeat(np.arange(12), 7)
    columns = {f"c{i}": (random.normal(size=12)[kinds] * 3 + random.normal(size=84)).round(3) for i in range(10)}
    assert start({**columns, "y": [f"kind {kind}" for kind in kinds]})[1].estimator.path == LOGISTIC


def test_the_logarithm_of_a_target_is_proposed_where_it_measures_better(start):
    draft, recipe, toml = start("exponential")
    assert recipe.target_transform == "log"
    assert recipe.interval is None
    assert 'target_transform = "log"  # Measured better: see below.' in toml
    assert 'The recipe has target_transform = "log": Measured better' in write_report(draft)
    dataset = load_dataset(recipe)
    model = build_pipeline(recipe, dataset.schema)
    assert (fit_model(model, dataset, dataset.training).predict(dataset.matrix) > 0).all()
    # In the target's own unit.
    assert evaluate_model(model, fit_model(model, dataset, dataset.training), dataset).scores["rmse"] > 100


def test_a_target_with_a_0_has_no_logarithm(start):
    columns = {**TABLES["exponential"], "y": [0.0, *TABLES["exponential"]["y"][1:]]}
    draft, recipe, _ = start(columns)
    assert recipe.target_transform is None
    assert all(each.candidate.transform is None for each in draft.selection.measured)


def test_a_width_that_follows_the_prediction_is_proposed_where_its_interval_score_is_better(start):
    draft, recipe, toml = start("growing")
    assert recipe.interval == "scaled"
    assert draft.selection.gain >= 0.05
    assert f'interval = "scaled"  # Out of fold, {draft.selection.gain:.0%} better'.replace("%", "\u00a0%") in toml
    assert recipe.output.minimum == 0
    assert "The recipe has minimum = 0 for its output" in write_report(draft)
    other = start("linear")[1]
    assert other.interval is other.output.minimum is None


def test_an_estimator_that_is_given_is_never_replaced_but_its_target_may_be_transformed(start):
    recipe = start("linear", estimator=TREES)[1]
    assert (recipe.estimator.path, recipe.target_transform) == (TREES, None)
    _, recipe, toml = start("exponential", estimator=RIDGE)
    assert (recipe.estimator.path, recipe.target_transform) == (RIDGE, "log")
    assert "- RidgeCV on the logarithm: " in toml


def test_held_out_rows_do_not_decide_what_is_chosen(start):
    table = TABLES["linear"]
    first, recipe, _ = start("linear")
    held_out = load_dataset(recipe).held_out
    second = start({**table, "y": np.where(held_out, table["y"][::-1] + 1, table["y"])})[0]
    assert held_out.any()
    assert first.selection == second.selection


def test_no_fold_begins_after_the_time_is_over_and_the_report_says_so(start):
    _, recipe, _ = start("linear", estimator=TREES)
    dataset = load_dataset(recipe)
    candidates = list_candidates("regression", None, dataset)
    selection = select_candidate(recipe, dataset, candidates, seconds=0)
    assert selection.chosen is candidates[0]
    assert selection.is_late
    assert not selection.measured
    assert "the time for that was over" in next(describe_selection(selection))


def test_a_candidate_that_cannot_be_fitted_is_left_out(start):
    _, recipe, _ = start("linear", estimator=TREES)
    dataset = load_dataset(recipe)
    trees, linear = list_candidates("regression", None, dataset)
    broken = type(linear)(name="broken", estimator=type(linear.estimator)(path="sklearn.isotonic.IsotonicRegression"))
    selection = select_candidate(recipe, dataset, [trees, broken, linear])
    assert [each.candidate.name for each in selection.measured] == ["boosted trees", "linear model"]
    assert selection.chosen is linear
