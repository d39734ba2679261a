"""Recipes that are rows of the database: what they may contain, and that they are handed over as they are."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.discovery import all_estimators

from predictor.exceptions import RecipeError
from predictor.training.drafting.selection import DEFAULT_ESTIMATORS, LINEAR_ESTIMATORS
from predictor.training.recipe import EstimatorRecipe
from predictor.training.stored.allowlist import ALLOWED, check_estimator
from predictor.training.stored.rules import read_stored
from predictor.training.vectorising import LINEAR_ON_TEXTS
from predictor.training.writing import write_recipe
from tests.recipes import write_recipe as write_folder

TREES = "sklearn.ensemble.HistGradientBoostingRegressor"
FOREST = "sklearn.ensemble.RandomForestRegressor"
CONTENT = {
    "title": "Houses",
    "data": "data.csv",
    "target": "y",
    "estimator": {"class": TREES, "params": {"max_iter": 100, "early_stopping": True}},
    "features": {"x": {"label": "Area", "unit": "m²", "merge": {"a b": ["A b"]}, "missing": [-999, "nil"]}},
    "output": {"minimum": 0},
}
TEXT = st.text(st.characters(blacklist_categories=["Cs"]))
PLAIN = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
TABLE = st.dictionaries(TEXT, PLAIN | st.lists(PLAIN) | st.dictionaries(TEXT, PLAIN))
ANY = st.dictionaries(TEXT.filter(lambda key: key != "features"), PLAIN | st.lists(PLAIN) | TABLE)


def catch_error(tmp_path, **changed):
    models_dir = write_folder(tmp_path, "houses", toml=write_recipe({**CONTENT, **changed}))
    with pytest.raises(RecipeError) as caught:
        read_stored(models_dir, "houses")
    return str(caught.value).replace(str(models_dir / "houses/model.toml"), "FILE")


@given(content=ANY, features=st.dictionaries(TEXT, TABLE))
def test_what_is_written_is_read_again(content, features):
    read = tomllib.loads(write_recipe({**content, "features": features}))
    assert (read.pop("features", {}), read) == (features, content)


def test_a_stored_recipe_is_read_as_a_folder_is(tmp_path):
    recipe = read_stored(write_folder(tmp_path, "houses", toml=write_recipe(CONTENT)), "houses")
    assert (recipe.title, recipe.features["x"].label, recipe.output.minimum) == ("Houses", "Area", 0)
    assert recipe.estimator == EstimatorRecipe(path=TREES, params={"max_iter": 100, "early_stopping": True})


def test_nothing_but_what_is_allowed_is_accepted(tmp_path):
    trees = {"class": TREES}
    for changed, problem in [
        ({"data": "../../etc/passwd"}, "data: must be a name such as data.csv, not '../../etc/passwd'."),
        ({"data": "https://example.com/data.csv"}, "data: must be a name such as data.csv"),
        ({"show_data": True}, "show_data: a recipe from an upload may have"),
        ({"embed_origins": ["https://example.com"]}, "embed_origins: a recipe from an upload may have"),
        ({"tune": {"params": {"max_iter": [1, 2]}}}, "tune: a recipe from an upload may have"),
        ({"folder": "/etc"}, "folder: a recipe from an upload may have"),
        ({"features": {"x": {"choices": ["a"]}}}, "features.x.choices: a recipe from an upload may have"),
        ({"features": {"x": {"kind": "path"}}}, "features.x.kind: must be 'number' or 'integer'"),
        ({"features": {"x": {"label": "a" * 201}}}, "features.x.label: may have at most 200 characters, not 201."),
        ({"output": {"scale": 2}}, "output.scale: a recipe from an upload may have"),
        ({"title": ""}, "title: must be a string of length >= 1, not ''."),
        ({"holdout": 2}, "holdout: must be a number < 1.0, not 2."),
        ({"estimator": None}, "estimator: is missing."),
        ({"estimator": {"class": "subprocess.Popen"}}, "estimator.class: must be one of 'sklearn.linear_model"),
        ({"estimator": {"class": "sklearn.svm.SVC"}}, "estimator.class: must be one of 'sklearn.linear_model"),
        ({"estimator": {**trees, "params": {"n_jobs": -1}}}, "estimator.params: sklearn.ensemble.HistGradientBoosting"),
        (
            {"estimator": {**trees, "params": {"max_iter": 10**9}}},
            "estimator.params.max_iter: must be a whole number from 1 to 1000, not 1000000000.",
        ),
        ({"estimator": {**trees, "params": {"max_iter": True}}}, "estimator.params.max_iter: must be a whole number"),
        ({"estimator": {**trees, "params": {"max_iter": {"a": 1}}}}, "estimator.params.max_iter: must be a whole"),
        (
            {"estimator": {"class": FOREST}},
            "estimator.params.max_depth: is missing: write a whole number from 1 to 14.",
        ),
    ]:
        assert problem in catch_error(tmp_path, **changed), changed


def test_each_allowed_estimator_takes_its_parameters_and_what_startmodel_writes_is_allowed(tmp_path):
    known = {f"sklearn.{made.__module__.split('.')[1]}.{name}": made for name, made in all_estimators()}
    assert {path for path, bounds in ALLOWED.items() if not bounds.keys() <= known[path]().get_params().keys()} == set()
    written = [*DEFAULT_ESTIMATORS.values(), *LINEAR_ESTIMATORS.values()]
    for estimator in [*written, *(each for found in LINEAR_ON_TEXTS.values() for each in found.values())]:
        check_estimator(tmp_path, estimator)
