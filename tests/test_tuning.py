import pickle
import re

import pytest

from predictor.exceptions import RecipeError, TrainingError
from predictor.lifecycle.retraining import RetrainRequest, retrain_model, train_model
from predictor.models import Version
from predictor.training.recipe import read_recipe
from tests.training import keep_quiet

RIDGE = """
title = "A line"
target = "y"
data = "data.csv"
[estimator]
class = "sklearn.linear_model.Ridge"
"""


def write_tune(models_dir, tune, estimator="sklearn.linear_model.Ridge"):
    (models_dir / "line/model.toml").write_text(RIDGE.replace("sklearn.linear_model.Ridge", estimator) + tune)


def tune(models_dir):
    return train_model(models_dir, "line", progress=keep_quiet)


def test_the_best_of_a_grid_is_fitted_stored_with_the_version_and_shown(client, models_dir, db):
    write_tune(models_dir, "[tune]\nfolds = 4\n[tune.params]\nalpha = [0.001, 1e6]\nfit_intercept = [true, false]\n")
    retrain_model(models_dir, RetrainRequest(slug="line", by="tests"), keep_quiet)
    tuning = Version.objects.get().report["tuning"]
    assert tuning["params"] == {"alpha": 0.001, "fit_intercept": True}
    assert (tuning["candidates"], tuning["folds"], tuning["failed"]) == (4, 4, 0)
    assert tuning["metric"] == "rmse"
    assert 0.8 < tuning["score"] < 1.3
    assert "Ridge(alpha=0.001" in Version.objects.get().estimator
    page = client.get("/about/line/").content.decode()
    assert "alpha = 0.001, fit_intercept = yes; best of 4 candidates, by RMSE" in page


def test_parameters_keep_their_names_where_the_target_is_transformed(models_dir):
    table = models_dir / "line/data.csv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *(row.replace(",-", ",") for row in rows if not row.endswith(",0"))]) + "\n")
    write_tune(models_dir, "[tune]\n[tune.params]\nalpha = [0.001, 1e6]\n")
    recipe = models_dir / "line/model.toml"
    recipe.write_text('target_transform = "log"\n' + recipe.read_text())
    trained = tune(models_dir)
    assert trained.tuning.params == {"alpha": 0.001}
    assert trained.fitted.regressor.steps[-1][1].alpha == 0.001
    recipe.write_text(recipe.read_text().replace("alpha", "alfa"))
    with pytest.raises(RecipeError, match="alfa: there is no such parameter; it may be alpha, "):
        tune(models_dir)


def test_candidates_are_drawn_from_distributions_the_same_ones_for_the_same_seed(models_dir):
    recipe = models_dir / "line/model.toml"
    write_tune(
        models_dir,
        "[tune]\ncandidates = 6\n[tune.params]\nmax_depth = { low = 2, high = 9 }\n"
        "min_samples_leaf = { low = 1, high = 60, log = true }\nccp_alpha = { low = 0.001, high = 0.1, log = true }\n",
        estimator="sklearn.tree.DecisionTreeRegressor",
    )
    first, second = tune(models_dir).tuning, tune(models_dir).tuning
    assert first == second
    assert first.candidates == 6
    assert 2 <= first.params["max_depth"] <= 9
    assert isinstance(first.params["max_depth"], int)
    assert 1 <= first.params["min_samples_leaf"] <= 60
    assert 0.001 <= first.params["ccp_alpha"] <= 0.1
    recipe.write_text("seed = 1\n" + recipe.read_text())
    assert tune(models_dir).tuning.params != first.params


def test_more_candidates_than_a_grid_has_are_all_of_it(models_dir):
    write_tune(models_dir, "[tune]\ncandidates = 50\n[tune.params]\nalpha = [0.1, 1.0, 10.0]\n")
    assert tune(models_dir).tuning.candidates == 3


def test_held_out_rows_have_no_say_in_the_tuning(models_dir):
    write_tune(models_dir, "[tune.params]\nalpha = [0.001, 1.0, 100.0]\n")
    before = tune(models_dir)
    lines = (models_dir / "line/data.csv").read_text().splitlines()
    spoilt = [
        f"{line.split(',')[0]},999" if held else line
        for line, held in zip(lines[1:], before.dataset.held_out, strict=True)
    ]
    (models_dir / "line/data.csv").write_text("\n".join([lines[0], *spoilt]))
    assert tune(models_dir).tuning == before.tuning


def test_a_candidate_that_cannot_be_fitted_is_passed_over_counted_and_told(models_dir):
    lines = []
    write_tune(models_dir, "[tune.params]\nalpha = [-5.0, 0.1]\n")
    trained = train_model(models_dir, "line", progress=lambda line, **how: lines.append(line))
    assert trained.tuning.failed == 1
    assert "line: chosen: alpha = 0.1; 1 candidate could not be fitted" in lines


def test_no_candidate_that_can_be_fitted_is_an_error_with_its_cause(models_dir):
    write_tune(models_dir, "[tune.params]\nalpha = [-5.0, -6.0]\n")
    cause = r"The 'alpha' parameter of Ridge must be .* Got -6\.0 instead"
    with pytest.raises(TrainingError, match=rf"model\.toml: estimator: no candidate of \[tune\] could .*{cause}"):
        tune(models_dir)


def test_a_classification_is_tuned_by_the_metric_of_its_gate(models_dir):
    recipe = models_dir / "penguins/model.toml"
    recipe.write_text(recipe.read_text() + '\n[gate]\nmetric = "accuracy"\n[tune.params]\nC = [0.0001, 10.0]\n')
    tuning = train_model(models_dir, "penguins", progress=keep_quiet).tuning
    assert (tuning.metric, tuning.params) == ("accuracy", {"C": 10.0})
    assert 0.95 < tuning.score <= 1


@pytest.mark.parametrize(
    ("tune", "message"),
    [
        ("[tune]\n", "tune.params: is missing"),
        ("[tune]\nfold = 3\n", "tune.fold: there is no such key"),
        ("[tune]\nfolds = 1\n", "tune.folds: must be"),
        ("[tune.params]\nalpha = 3\n", "tune.params.alpha: must be an array of values, or a table"),
        ("[tune.params]\nalpha = []\n", "tune.params.alpha: must be an array of values, or a table"),
        ("[tune.params]\nalpha = { low = 1, high = 2 }\n", "tune.candidates: is missing"),
        ("[tune.params]\nalpha = { low = 1 }\n", "tune.params.alpha.high: is missing"),
        ("[tune]\ncandidates = 3\nparams.alpha = { low = 2, high = 1 }\n", "tune.params.alpha.low: must be below"),
        (
            "[tune]\ncandidates = 3\nparams.alpha = { low = 0.0, high = 1.0, log = true }\n",
            "tune.params.alpha.low: must be above 0",
        ),
    ],
)
def test_a_tune_table_that_cannot_be_used_is_named_with_its_key(models_dir, tune, message):
    write_tune(models_dir, tune)
    with pytest.raises(RecipeError, match=re.escape(f"model.toml: {message}")):
        read_recipe(models_dir, "line")


def test_a_parameter_that_the_estimator_does_not_have_is_named_with_those_it_has(models_dir):
    write_tune(models_dir, "[tune.params]\nalfa = [1.0]\n")
    with pytest.raises(RecipeError, match=r"tune\.params\.alfa: there is no such parameter; it may be .*alpha"):
        tune(models_dir)


def test_what_is_stored_answers_on_one_core_whatever_trained_it(models_dir):
    (models_dir / "line/pipeline.py").write_text(
        "from sklearn.ensemble import BaggingRegressor, RandomForestRegressor\n\n"
        "def build(schema):\n"
        "    forest = RandomForestRegressor(n_estimators=2, n_jobs=2)\n"
        "    return BaggingRegressor(forest, n_estimators=2)\n"
    )
    fitted = pickle.loads(pickle.dumps(tune(models_dir).fitted))  # noqa: S301  # Our own.
    assert [fitted.estimator.n_jobs, *(each.n_jobs for each in fitted.estimators_)] == [1, 1, 1]
