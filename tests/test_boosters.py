"""LightGBM, XGBoost and CatBoost, where they are installed: from a recipe to a compiled model."""

import importlib.metadata
import json
import pickle
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command
from sklearn.base import clone

from predictor.estimators.compiled import CompiledModel
from predictor.exceptions import RecipeError
from predictor.models import Prediction, Version
from predictor.schema.temporal import Date
from predictor.serving.runtime import load_comparable, load_runtime
from predictor.training.compiling.checked import compile_checked
from predictor.training.evaluation import fit_model, predict_rows
from predictor.training.pipeline import build_pipeline
from tests.recipes import LINE, make_recipe, write_recipe
from tests.test_compiling import make_dataset

catboost = pytest.importorskip("catboost", reason="needs requirements-boosters.txt")
lightgbm = pytest.importorskip("lightgbm", reason="needs requirements-boosters.txt")
xgboost = pytest.importorskip("xgboost", reason="needs requirements-boosters.txt")

REGRESSORS = {
    "lightgbm.LGBMRegressor": [
        "n_estimators = 20, min_child_samples = 5",
        'n_estimators = 20, objective = "poisson"',
        'n_estimators = 9, boosting_type = "rf", subsample = 0.5, subsample_freq = 1',
        'n_estimators = 9, boosting_type = "dart"',
        "n_estimators = 9, use_missing = false",
    ],
    "xgboost.XGBRegressor": [
        "n_estimators = 20",
        'n_estimators = 20, objective = "count:poisson"',
        'n_estimators = 9, objective = "reg:absoluteerror", max_cat_to_onehot = 1',
        "n_estimators = 9, num_parallel_tree = 3, subsample = 0.5",
    ],
    "xgboost.XGBRFRegressor": ["n_estimators = 9"],
    "catboost.CatBoostRegressor": [
        "n_estimators = 20",
        "n_estimators = 20, one_hot_max_size = 10",
        'n_estimators = 20, loss_function = "Poisson"',
        'n_estimators = 20, grow_policy = "Lossguide"',
        'n_estimators = 20, nan_mode = "Max"',
    ],
}
CLASSIFIERS = {
    "lightgbm.LGBMClassifier": ["n_estimators = 9", 'n_estimators = 9, class_weight = "balanced"'],
    "xgboost.XGBClassifier": ["n_estimators = 9", "n_estimators = 9, base_score = 0.3"],
    "xgboost.XGBRFClassifier": ["n_estimators = 9"],
    "catboost.CatBoostClassifier": ["n_estimators = 9", 'n_estimators = 9, grow_policy = "Depthwise"'],
}


def list_cases(estimators):
    return [(path, params) for path, each in estimators.items() for params in each]


def fit(tmp_path, path, params, dataset):
    recipe = make_recipe(tmp_path, toml=f'{LINE}\n[estimator]\nclass = "{path}"\nparams = {{ {params} }}\n')
    return fit_model(build_pipeline(recipe, dataset.schema), dataset, np.ones(len(dataset.matrix), dtype=bool))


@pytest.mark.filterwarnings("ignore:`XGBRF.*is deprecated:FutureWarning")
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize(
    ("path", "params", "classes"),
    [
        *((path, params, 0) for path, params in list_cases(REGRESSORS)),
        *((path, params, classes) for path, params in list_cases(CLASSIFIERS) for classes in (2, 3)),
    ],
)
def test_all_three_are_compiled_and_predict_the_same_also_at_the_edges(tmp_path, path, params, classes, gaps):
    dataset = make_dataset(gaps=gaps, classes=classes)
    fitted = fit(tmp_path, path, params, dataset)
    checked = compile_checked(fitted, dataset)
    assert checked.data, checked.described
    assert checked.described.difference < (1e-6 if path.startswith("xgboost") else 1e-12)
    assert checked.described.edge_rows > 20
    assert predict_rows(fitted, dataset.matrix, classes).predicted.std() > 0


def test_a_model_that_stopped_early_is_compiled_with_the_trees_that_it_predicts_by():
    dataset = make_dataset()
    rows, actual = dataset.matrix[200:], dataset.target[200:]
    stop, quiet = lightgbm.early_stopping(3, verbose=False), {"verbose": False}
    fits = [
        (xgboost.XGBRegressor(n_estimators=200, early_stopping_rounds=3), {"eval_set": [(rows, actual)], **quiet}),
        (lightgbm.LGBMRegressor(n_estimators=200, verbose=-1), {"eval_X": rows, "eval_y": actual, "callbacks": [stop]}),
        (
            catboost.CatBoostRegressor(n_estimators=2000, allow_writing_files=False),
            {"eval_set": (rows, actual), "early_stopping_rounds": 3, **quiet},
        ),
    ]
    for estimator, arguments in fits:
        fitted = estimator.fit(dataset.matrix[:200], dataset.target[:200], **arguments)
        checked = compile_checked(fitted, dataset)
        assert checked.described.difference < 1e-6


@pytest.mark.parametrize(
    ("path", "params", "reason"),
    [
        ("lightgbm.LGBMRegressor", "linear_tree = true", "LGBMRegressor is not compiled with linear_tree"),
        ("xgboost.XGBRegressor", 'objective = "survival:cox"', "is not compiled with objective 'survival:cox'"),
        ("xgboost.XGBRegressor", "missing = 0", "XGBRegressor is not compiled with missing=0"),
        ("catboost.CatBoostRegressor", 'loss_function = "RMSEWithUncertainty"', "loss_function 'RMSEWithUncertainty'"),
    ],
)
def test_what_is_not_compiled_is_named(tmp_path, path, params, reason):
    dataset = make_dataset()
    checked = compile_checked(fit(tmp_path, path, f"n_estimators = 5, {params}", dataset), dataset)
    assert checked.data is None
    assert reason in checked.described.reason


CITIES = """
title = "Rents"
target = "rent"
data = "data.csv"
[estimator]
class = "{path}"
params = {{ n_estimators = 20{more} }}
[tune]
[tune.params]
max_depth = [2, 3]
"""
LIBRARIES = {"lightgbm": "LGBM", "xgboost": "XGB", "catboost": "CatBoost"}
ROWS = 300
RANDOM = np.random.default_rng(0)
FLATS = pd.DataFrame(
    {"area": RANDOM.uniform(20, 150, ROWS).round(1), "town": RANDOM.choice(["Ulm", "Bonn", "Kiel"], ROWS)}
)
RENT = (FLATS["area"] * 11 + (FLATS["town"] == "Bonn") * 300 + RANDOM.normal(0, 20, ROWS)).round(2)
DEAR = pd.Series(np.where(RENT > 950, "dear", "cheap"))


@pytest.fixture
def train_flats(models_dir, capsys):
    def call(path, target, more=""):
        write_recipe(
            models_dir.parent,
            "flats",
            toml=CITIES.format(path=path, more=more),
            csv=FLATS.assign(rent=target).to_csv(index=False),
        )
        call_command("retrain", "flats", "--format", "json")
        assert not capsys.readouterr().out.startswith("\n"), "a library printed something"
        return Version.objects.find_live("flats")

    return call


@pytest.mark.django_db
@pytest.mark.parametrize(("library", "target"), [(each, target) for each in LIBRARIES for target in (RENT, DEAR)])
def test_a_recipe_of_each_library_is_tuned_judged_compiled_and_served(train_flats, client, library, target, tmp_path):
    task = "Regressor" if target is RENT else "Classifier"
    version = train_flats(f"{library}.{LIBRARIES[library]}{task}", target)
    package = {"xgboost": "xgboost-cpu"}.get(library, library)
    assert version.libraries[package] == importlib.metadata.version(package)
    assert version.report["tuning"]["params"]["max_depth"] in (2, 3)
    assert "skipped" not in version.report["importances"]
    assert isinstance(load_runtime(version).estimator, CompiledModel)
    matrix = np.array([[70.0, code] for code in range(3)])
    ours, theirs = load_runtime(version).predict(matrix), load_comparable(version).predict(matrix)
    if target is RENT:
        assert [each.output for each in ours] == pytest.approx([each.output for each in theirs], rel=1e-6)
        assert ours[0].output - ours[1].output > 150  # A flat in Bonn is dearer.
    else:
        assert [each.output for each in ours] == [each.output for each in theirs]
    response = client.post("/flats/", {"area": "70", "town": "Bonn"}, follow=True)
    assert response.status_code == 200, response.content.decode()
    assert not Path("catboost_info").exists()


@pytest.mark.parametrize("path", ["lightgbm.LGBMRegressor", "xgboost.XGBRegressor", "catboost.CatBoostRegressor"])
def test_categories_reach_each_library_as_categories(tmp_path, path):
    last = fit(tmp_path, path, "n_estimators = 5", make_dataset())[-1]
    if path.startswith("lightgbm"):
        assert '"decision_type": "=="' in json.dumps(last.booster_.dump_model())
    elif path.startswith("xgboost"):
        assert last.get_booster().feature_types == ["q", "q", "c"]
    else:
        assert last.get_cat_feature_indices() == [2]


@pytest.mark.parametrize("path", ["lightgbm.LGBMRegressor", "xgboost.XGBRegressor", "catboost.CatBoostRegressor"])
def test_dates_are_expanded_next_to_categories_and_compiled(tmp_path, path):
    dataset = make_dataset(gaps=True)
    day = Date(name="d", label="d", required=False, seen=(10_000.0, 10_900.0))
    dataset.schema = replace(dataset.schema, features=(day, *dataset.schema.features))
    days = np.where(np.arange(300) % 9 == 0, np.nan, 10_000.0 + np.arange(300) * 3)
    dataset.matrix = dataset.inputs = np.column_stack([days, dataset.matrix])
    fitted = fit(tmp_path, path, "n_estimators = 20", dataset)
    assert compile_checked(fitted, dataset).described.difference < 1e-6
    if path.startswith("catboost"):
        assert fitted[-1].get_cat_feature_indices() == [0]


@pytest.mark.parametrize("path", ["lightgbm.LGBMRegressor", "xgboost.XGBRegressor", "catboost.CatBoostRegressor"])
def test_other_values_than_the_choices_are_compiled_too(tmp_path, path):
    dataset = make_dataset(gaps=True)
    *numbers, category = dataset.schema.features
    dataset.schema = replace(dataset.schema, features=(*numbers, msgspec.structs.replace(category, unseen="other")))
    fitted = fit(tmp_path, path, "n_estimators = 20", dataset)
    other = np.array([[0.0, 0.0, float(len(category.choices))]])
    compiled = CompiledModel(compile_checked(fitted, dataset).data)
    assert compiled.predict(other) == pytest.approx(fitted.predict(other), rel=1e-6)


@pytest.mark.parametrize("path", ["lightgbm.LGBMRegressor", "xgboost.XGBRegressor"])
def test_a_slip_in_a_parameter_is_found_although_the_class_takes_any(tmp_path, path):
    dataset = make_dataset()
    with pytest.raises(RecipeError, match=r"params\.n_estimatrs: .* has no such parameter: it takes .*n_estimators"):
        fit(tmp_path, path, "n_estimatrs = 5", dataset)


def test_the_names_of_the_library_itself_are_taken_and_none_is_set_twice(tmp_path):
    dataset = make_dataset()
    fit(tmp_path, "lightgbm.LGBMRegressor", "num_boost_round = 5, verbose = -1, seed = 3", dataset)
    fit(tmp_path, "catboost.CatBoostRegressor", "iterations = 5, silent = true, random_seed = 3", dataset)


@pytest.fixture
def bring(models_dir, tmp_path, capsys):
    def call(estimator, table, target):
        content = estimator if isinstance(estimator, bytes) else pickle.dumps(estimator)
        (tmp_path / "model.pkl").write_bytes(content)
        table.assign(rent=target).to_csv(tmp_path / "sample.csv", index=False)
        files = [str(tmp_path / "model.pkl"), "--data", str(tmp_path / "sample.csv"), "--target", "rent"]
        call_command("importmodel", "rent", *files, "--trust")
        capsys.readouterr()
        return Version.objects.get(model="rent")

    return call


def make_estimators():
    return [
        catboost.CatBoostRegressor(iterations=20, verbose=0, allow_writing_files=False),
        lightgbm.LGBMRegressor(n_estimators=20, verbose=-1),
        xgboost.XGBRegressor(n_estimators=20),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("estimator", make_estimators(), ids=lambda each: type(each).__name__)
def test_an_import_on_numbers_needs_no_pandas_and_is_compiled(bring, estimator, bare):
    table = FLATS[["area"]].assign(floor=RANDOM.integers(0, 9, ROWS))
    fitted = clone(estimator).fit(table.to_numpy() if bare else table[["floor", "area"]], RENT)
    version = bring(fitted, table, RENT)
    assert isinstance(load_runtime(version).estimator, CompiledModel)
    assert version.parsed_schema.names == (["area", "floor"] if bare else ["floor", "area"])
    row = table[version.parsed_schema.names][:1].astype(float)
    expected = fitted.predict(row.to_numpy() if bare else row)[0]
    assert load_runtime(version).predict(row.to_numpy())[0].output == pytest.approx(expected, rel=1e-6)


@pytest.mark.django_db
@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_a_bare_booster_in_a_pickle_is_a_classifier_as_its_objective_says(bring, library):
    table, target = FLATS[["area"]], (RENT.median() < RENT).astype(int)
    if library == "lightgbm":
        params = {"objective": "binary", "verbose": -1}
        fitted = lightgbm.train(params, lightgbm.Dataset(table, target), num_boost_round=9)
        expected = fitted.predict(table)
    else:
        data = xgboost.DMatrix(table, target)
        fitted = xgboost.train({"objective": "binary:logistic"}, data, num_boost_round=9)
        expected = fitted.predict(data)
    version = bring({"model": fitted, "threshold": 0.5}, table, target)
    given = [each.probabilities["1"] for each in load_runtime(version).predict(table.to_numpy())]
    assert given == pytest.approx(expected.tolist(), rel=1e-6)


@pytest.mark.django_db
def test_columns_that_lightgbm_calls_otherwise_for_their_spaces_are_found(bring, client):
    table = FLATS.rename(columns={"area": "living area"}).replace("Bonn", "Bad Honnef")
    dummies = pd.get_dummies(table)
    fitted = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1).fit(dummies, RENT)
    assert bring(fitted, table, RENT).parsed_schema.names == ["living area", "town"]
    client.post("/rent/", {"living area": "70", "town": "Bad Honnef"})
    row = dummies[table["town"] == "Bad Honnef"][:1].assign(**{"living area": 70.0})
    assert Prediction.objects.latest("id").output == pytest.approx(fitted.predict(row)[0], rel=1e-6)


@pytest.mark.django_db
@pytest.mark.parametrize("library", [*LIBRARIES, "xgboost's own file"])
def test_an_import_on_categories_of_pandas_is_given_them(bring, client, library):
    categories = FLATS.astype({"town": pd.CategoricalDtype(["Ulm", "Bonn", "Kiel", "Graz"])})
    if library == "catboost":
        fitted = catboost.CatBoostRegressor(iterations=20, verbose=0, allow_writing_files=False, cat_features=["town"])
        fitted.fit(FLATS, RENT)
    elif library == "lightgbm":
        fitted = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1).fit(categories, RENT)
    else:
        fitted = xgboost.XGBRegressor(n_estimators=20, enable_categorical=True).fit(categories, RENT)
    bring(bytes(fitted.get_booster().save_raw("json")) if "own" in library else fitted, FLATS, RENT)
    response = client.post("/rent/", {"area": "70", "town": "Bonn"}, follow=True)
    assert response.status_code == 200, response.content.decode()
    row = (FLATS if library == "catboost" else categories)[FLATS["town"] == "Bonn"][:1].assign(area=70.0)
    assert Prediction.objects.latest("id").output == pytest.approx(fitted.predict(row)[0], rel=1e-6)


@pytest.mark.django_db
def test_another_town_than_the_categories_of_pandas_is_missing_where_a_description_allows_others(
    bring, client, models_dir
):
    (models_dir / "rent").mkdir()
    (models_dir / "rent" / "model.toml").write_text('[features.town]\nunseen = "other"')
    categories = FLATS.astype({"town": pd.CategoricalDtype(["Ulm", "Bonn", "Kiel", "Graz"])})
    fitted = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1).fit(categories, RENT)
    bring(fitted, FLATS, RENT)
    response = client.post("/rent/", {"area": "70", "town": "Rome"}, follow=True)
    assert response.status_code == 200, response.content.decode()
    row = categories[:1].assign(area=70.0, town=pd.Categorical([None], categories=categories["town"].cat.categories))
    assert Prediction.objects.latest("id").output == pytest.approx(fitted.predict(row)[0], rel=1e-6)
