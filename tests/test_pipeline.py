import pickle
import sys

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from predictor.exceptions import RecipeError
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.training.dataset import load_dataset
from predictor.training.evaluation import fit_model
from predictor.training.pipeline import build_pipeline, make_estimator
from tests.recipes import LINE, make_recipe

QUANTITY = Target(name="y", label="y", task="regression")
SPECIES = Target(name="y", label="y", task="classification", classes=("a", "b"))
NUMBER = make_feature(name="number", kind="number", label="number")
GAPPY_NUMBER = make_feature(name="gappy number", kind="integer", label="n", required=False)
CATEGORY = make_feature(name="category", kind="category", label="category", choices=("a", "b", "c"))
GAPPY_CATEGORY = make_feature(name="gappy category", kind="category", label="c", choices=("a", "b"), required=False)
BOOLEAN = make_feature(name="boolean", kind="boolean", label="boolean")
NAN = float("nan")

RIDGE = "sklearn.linear_model.Ridge"
FOREST = "sklearn.ensemble.RandomForestRegressor"
NEIGHBOURS = "sklearn.neighbors.KNeighborsRegressor"
LEAST_SQUARES = "sklearn.linear_model.LinearRegression"


def estimate(tmp_path, path, params="", **files):
    toml = f'{LINE}seed = 7\n[estimator]\nclass = "{path}"\nparams = {{ {params} }}\n'
    return make_recipe(tmp_path, toml=toml, **files)


def transform(tmp_path, path, features, matrix):
    """What the estimator gets to see of a matrix that the pipeline was fitted on."""
    model = build_pipeline(estimate(tmp_path, path), Schema(features=features, target=QUANTITY))
    matrix = np.array(matrix, dtype=float)
    fitted = model.fit(matrix, np.arange(len(matrix)))
    return np.asarray(fitted[:-1].transform(matrix))


def find_steps(model):
    """The classes of every preprocessing step, with the columns that each group takes."""
    if len(model.steps) == 1:
        return []
    return [
        ([] if steps == "passthrough" else [type(step) for _, step in steps.steps], columns)
        for _, steps, columns in model[0].transformers
    ]


def test_numbers_and_truths_go_as_they_are_to_least_squares_and_trees(tmp_path):
    schema = Schema(features=(NUMBER, BOOLEAN), target=QUANTITY)
    for path in (LEAST_SQUARES, FOREST):
        assert find_steps(build_pipeline(estimate(tmp_path, path), schema)) == []


@pytest.mark.parametrize("path", [RIDGE, NEIGHBOURS, "sklearn.svm.SVR", "sklearn.neural_network.MLPRegressor"])
def test_numbers_are_scaled_for_estimators_that_need_it(tmp_path, path):
    model = build_pipeline(estimate(tmp_path, path), Schema(features=(NUMBER, BOOLEAN), target=QUANTITY))
    assert find_steps(model) == [([StandardScaler], [0, 1])]


@pytest.mark.parametrize(
    "path",
    ["tree.DecisionTreeRegressor", "ensemble.GradientBoostingRegressor", "ensemble.ExtraTreesRegressor"],
)
def test_trees_are_never_scaled(tmp_path, path):
    schema = Schema(features=(NUMBER, GAPPY_NUMBER, CATEGORY, GAPPY_CATEGORY), target=QUANTITY)
    steps = find_steps(build_pipeline(estimate(tmp_path, f"sklearn.{path}"), schema))
    assert StandardScaler not in [step for group, _ in steps for step in group]
    assert OneHotEncoder in [step for group, _ in steps for step in group]


def test_columns_of_one_sort_are_treated_together_by_position(tmp_path):
    features = (CATEGORY, GAPPY_NUMBER, NUMBER, GAPPY_CATEGORY, BOOLEAN)
    model = build_pipeline(estimate(tmp_path, RIDGE), Schema(features=features, target=QUANTITY))
    assert find_steps(model) == [
        ([OneHotEncoder], [0]),
        ([SimpleImputer, StandardScaler], [1]),
        ([StandardScaler], [2, 4]),
        ([SimpleImputer, OneHotEncoder], [3]),
    ]


def test_a_missing_number_becomes_the_median(tmp_path):
    seen = transform(tmp_path, LEAST_SQUARES, (GAPPY_NUMBER,), [[1], [NAN], [2], [100]])
    assert seen.tolist() == [[1.0], [2.0], [2.0], [100.0]]


def test_a_missing_number_stays_missing_for_estimators_that_take_it(tmp_path):
    path = "sklearn.ensemble.HistGradientBoostingRegressor"
    model = build_pipeline(estimate(tmp_path, path), Schema(features=(GAPPY_NUMBER,), target=QUANTITY))
    assert find_steps(model) == []
    matrix = np.array([[1.0], [NAN], [2.0]] * 20)
    assert np.isfinite(model.fit(matrix, matrix[:, 0] > 1).predict([[NAN]])).all()


def test_a_number_without_any_value_keeps_its_column(tmp_path):
    seen = transform(tmp_path, RIDGE, (NUMBER, GAPPY_NUMBER), [[1, NAN], [3, NAN]])
    assert seen.tolist() == [[-1.0, 0.0], [1.0, 0.0]]


def test_a_category_has_one_column_a_choice_also_for_those_never_seen(tmp_path):
    assert transform(tmp_path, LEAST_SQUARES, (CATEGORY,), [[0], [2]]).tolist() == [[1, 0, 0], [0, 0, 1]]


def test_a_missing_category_is_a_category_of_its_own(tmp_path):
    seen = transform(tmp_path, LEAST_SQUARES, (GAPPY_CATEGORY,), [[0], [NAN], [1]])
    assert seen.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize("path", [LEAST_SQUARES, RIDGE, FOREST, NEIGHBOURS])
def test_every_optional_value_may_be_missing_though_none_was_in_training(tmp_path, path):
    schema = Schema(features=(GAPPY_NUMBER, GAPPY_CATEGORY), target=QUANTITY)
    matrix = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 1.0], [5.0, 1.0]])
    fitted = build_pipeline(estimate(tmp_path, path), schema).fit(matrix, matrix[:, 0])
    assert np.isfinite(fitted.predict([[NAN, NAN]])).all()


def test_the_parameters_of_the_recipe_are_set(tmp_path):
    assert make_estimator(estimate(tmp_path, RIDGE, "alpha = 2.5")).alpha == 2.5


def test_the_seed_becomes_the_random_state_unless_the_recipe_sets_one(tmp_path):
    assert make_estimator(estimate(tmp_path, FOREST)).random_state == 7
    assert make_estimator(estimate(tmp_path, FOREST, "random_state = 3")).random_state == 3
    assert "random_state" not in make_estimator(estimate(tmp_path, NEIGHBOURS)).get_params()


def test_the_same_recipe_data_and_seed_give_the_same_predictions(tmp_path):
    def predict(seed):
        toml = f'{LINE}seed = {seed}\n[estimator]\nclass = "{FOREST}"\nparams = {{ n_estimators = 3 }}\n'
        recipe = make_recipe(tmp_path, toml=toml)
        dataset = load_dataset(recipe)
        fitted = fit_model(build_pipeline(recipe, dataset.schema), dataset, dataset.training)
        return fitted.predict(dataset.matrix).tolist()

    assert predict(0) == predict(0) != predict(1)


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        ("sklearn.linear_model.Rige", "", "class: 'sklearn.linear_model.Rige' does not exist: write a full path such"),
        ("sklearn.liner.Ridge", "", "class: 'sklearn.liner.Ridge' does not exist: write a full path such as sklearn."),
        ("Ridge", "", "class: 'Ridge' does not exist: write a full path such as sklearn.linear_model.LinearRegression"),
        ("", "", "class: '' does not exist"),
        ("..Ridge", "", "class: '..Ridge' does not exist"),
        ("sklearn.linear_model.", "", "class: 'sklearn.linear_model.' does not exist"),
        (
            "nowhere.Ridge",
            "",
            "class: 'nowhere.Ridge' needs the package 'nowhere', which is not installed here: correct",
        ),
        (
            "nowhere.linear.Ridge",
            "",
            "class: 'nowhere.linear.Ridge' needs the package 'nowhere', which is not installed",
        ),
        (
            "os.getcwd",
            "",
            "class: 'os.getcwd' is not a class: write the path of a class with scikit-learn's interface: ",
        ),
        ("collections.Counter", "", "class: 'collections.Counter' has no fit, predict, get_params, set_params, __sk"),
        (RIDGE, "alfa = 1", "params.alfa: Ridge has no such parameter: it takes alpha, fit_intercept, "),
        ("sklearn.multioutput.MultiOutputRegressor", "", "params: MultiOutputRegressor.__init__() missing 1 required"),
    ],
)
def test_an_estimator_that_cannot_be_made_is_named_with_its_key(tmp_path, path, params, message):
    recipe = estimate(tmp_path, path, params)
    with pytest.raises(RecipeError) as caught:
        make_estimator(recipe)
    assert str(caught.value).startswith(f"{recipe.file}: estimator.{message}")


FOREIGN = """
from sklearn.utils import get_tags
from sklearn.linear_model import Ridge

class Booster:
    def __init__(self, depth=6):
        self.depth = depth

    def fit(self, matrix, target):
        self.fitted_ = Ridge().fit(matrix, target)
        return self

    def predict(self, matrix):
        return self.fitted_.predict(matrix)

    def get_params(self, deep=True):
        return {"depth": self.depth}

    def set_params(self, **params):
        vars(self).update(params)
        return self

    def __sklearn_tags__(self):
        return get_tags(Ridge())
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Make a package that can be imported in this test."""
    monkeypatch.syspath_prepend(tmp_path / "installed")
    made = []

    def make(name, code):
        (tmp_path / "installed").mkdir(exist_ok=True)
        (tmp_path / f"installed/{name}.py").write_text(code)
        made.append(name)

    yield make
    for name in made:
        sys.modules.pop(name, None)


def test_an_estimator_that_only_has_the_interface_is_trained(tmp_path, install):
    install("foreign_boosting", FOREIGN)
    recipe = estimate(tmp_path, "foreign_boosting.Booster", "depth = 3")
    dataset = load_dataset(recipe)
    fitted = fit_model(build_pipeline(recipe, dataset.schema), dataset, dataset.training)
    assert fitted[-1].depth == 3
    assert fitted.predict(dataset.matrix).shape == dataset.target.shape


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (
            "raise OSError('libgomp.so.1: cannot open')",
            "broken_boosting cannot be imported (OSError: libgomp.so.1: can",
        ),
        (
            "import lacking_package",
            "'broken_boosting.Booster' needs the package 'lacking_package', which is not installed",
        ),
        ("Booster = 1", "'broken_boosting.Booster' is not a class: write the path of a class with scikit-learn's"),
        (FOREIGN.replace("def predict", "def guess"), "'broken_boosting.Booster' has no predict: write the path of a"),
    ],
)
def test_a_package_that_cannot_be_used_is_blamed_itself(tmp_path, install, code, problem):
    install("broken_boosting", code)
    recipe = estimate(tmp_path, "broken_boosting.Booster")
    with pytest.raises(RecipeError) as caught:
        make_estimator(recipe)
    assert str(caught.value).startswith(f"{recipe.file}: estimator.class: {problem}")


def test_a_recipe_without_an_estimator_is_told_what_to_write(tmp_path):
    recipe = make_recipe(tmp_path)
    with pytest.raises(RecipeError, match=r"model.toml: estimator: is missing: write \[estimator\] with class = "):
        make_estimator(recipe)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (RIDGE, SPECIES),
        ("sklearn.linear_model.LogisticRegression", QUANTITY),
        ("sklearn.cluster.KMeans", QUANTITY),
        ("sklearn.preprocessing.StandardScaler", SPECIES),
    ],
)
def test_an_estimator_that_does_not_do_the_task_is_refused(tmp_path, path, target):
    recipe = estimate(tmp_path, path)
    with pytest.raises(RecipeError) as caught:
        build_pipeline(recipe, Schema(features=(NUMBER,), target=target))
    problem = f"estimator.class: this estimator does not do {target.task}, the task for the target 'y'"
    assert str(caught.value).startswith(f"{recipe.file}: {problem}")


@pytest.fixture
def own_recipe(tmp_path, monkeypatch):
    """Make a recipe whose folder lies in the project and holds a pipeline.py."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(code, slug="own"):
        recipe = make_recipe(tmp_path, slug, toml=LINE + "seed = 7\n")
        recipe.pipeline_file.write_text(code)
        return recipe

    yield make
    for name in [name for name in sys.modules if name.startswith("ml_models")]:
        del sys.modules[name]


SCHEMA = Schema(features=(NUMBER,), target=QUANTITY)
OWN = """
from sklearn.linear_model import Ridge

class OwnRidge(Ridge):
    pass

def build(schema):
    return OwnRidge(alpha=len(schema.features))
"""
SEEDED = """
from sklearn.ensemble import BaggingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer
from sklearn.tree import DecisionTreeRegressor

def build(schema):
    return make_pipeline(QuantileTransformer(random_state=3), BaggingRegressor(DecisionTreeRegressor()))
"""


def test_an_own_pipeline_is_built_from_the_schema_and_unpickles_anywhere(own_recipe):
    model = build_pipeline(own_recipe(OWN), SCHEMA)
    assert model.alpha == 1
    assert type(model).__module__ == "ml_models.own.pipeline"
    assert type(pickle.loads(pickle.dumps(model))) is type(model)  # noqa: S301  # Our own bytes.


def test_the_seed_reaches_every_step_of_an_own_pipeline_that_has_none(own_recipe):
    params = build_pipeline(own_recipe(SEEDED), SCHEMA).get_params()
    assert params["baggingregressor__random_state"] == 7
    assert params["baggingregressor__estimator__random_state"] == 7
    assert params["quantiletransformer__random_state"] == 3


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("x = 1", "it must define build(schema), which returns an estimator."),
        ("build = 1", "it must define build(schema), which returns an estimator."),
        (
            "def build(schema): return 5",
            "build(schema) returned 5, not a scikit-learn estimator: it has no fit, predict",
        ),
        ("def build(schema): pass", "build(schema) returned None, not a scikit-learn estimator: it has no fit"),
        ("def build(schema): return schema.size", "AttributeError: 'Schema' object has no attribute 'size'"),
        ("def build(): pass", "TypeError: build() takes 0 positional arguments but 1 was given"),
        ("def build(", "SyntaxError: "),
        ("import nothing_of_the_kind", "ModuleNotFoundError: No module named 'nothing_of_the_kind'"),
        (OWN.replace("Ridge", "RidgeClassifier"), "this estimator does not do regression, the task for"),
    ],
)
def test_a_wrong_own_pipeline_is_blamed_itself(own_recipe, code, problem):
    recipe = own_recipe(code)
    with pytest.raises(RecipeError) as caught:
        build_pipeline(recipe, SCHEMA)
    assert str(caught.value).startswith(f"{recipe.pipeline_file}: {problem}")


@pytest.mark.parametrize(
    ("path", "package"), [("lightgbm.LGBMRegressor", "lightgbm"), ("xgboost.XGBRegressor", "xgboost-cpu")]
)
def test_a_library_that_is_not_installed_is_named_with_how_to_install_it(tmp_path, monkeypatch, path, package):
    monkeypatch.setitem(sys.modules, path.partition(".")[0], None)
    with pytest.raises(RecipeError) as caught:
        make_estimator(estimate(tmp_path, path))
    assert f"estimator.class: {path!r} needs the package {package!r}, which is not installed here" in str(caught.value)
    assert "run `pip install -r requirements-boosters.txt`, and for a deployed site add it to" in str(caught.value)
