"""Categories as people have them: other values than the choices, thousands of them, and codes with leading zeros."""

import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from django.core.management import call_command
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from predictor.exceptions import InvalidValue, RecipeError
from predictor.models import Prediction
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.tables.table import read_table
from predictor.training.compiling.checked import compile_checked
from predictor.training.dataset import load_dataset
from predictor.training.grouping import MOST_ONE_HOT
from predictor.training.pipeline import _build_default
from tests.answers import change_inputs
from tests.recipes import LINE, make_recipe, write_recipe
from tests.test_observed import observe

TOWN = {"name": "town", "label": "Town", "choices": ("Bonn", "Ulm"), "seen": ("Bonn", "Ulm")}
OPEN = make_feature(kind="category", unseen="other", **TOWN)
TARGET = Target(name="y", label="y", task="regression")


def test_another_value_is_refused_unless_the_recipe_allows_it():
    with pytest.raises(InvalidValue, match="“Kiel” is not a choice"):
        make_feature(kind="category", **TOWN).parse("Kiel")
    schema = Schema(features=(OPEN,), target=TARGET)
    row = schema.parse({"town": " Kiel "})
    assert row.values == {"town": "Kiel"}
    assert schema.write_warnings(row.warnings) == ["Town: “Kiel” was never seen in training"]
    assert [OPEN.encode(value) for value in ("Bonn", "Ulm", "Kiel", "Ulm ")] == [0, 1, 2, 2]


@pytest.mark.parametrize("raw", ["a\x00b", "\ud800", "x" * 5_000])
def test_another_value_that_a_database_cannot_store_is_refused(raw):
    with pytest.raises(InvalidValue):
        OPEN.parse(raw)


def test_a_schema_with_others_survives_json_and_hides_them_from_builds_that_do_not_know_them():
    schema = Schema(features=(OPEN,), target=TARGET)
    stored = json.loads(json.dumps(schema.to_json()))
    assert stored["reading"] == {"town": {"unseen": "other"}}
    assert set(stored["features"][0]) & {"unseen", "merge", "missing"} == set()
    assert Schema.from_json(stored) == schema


def test_others_are_for_categories_only(tmp_path):
    with pytest.raises(RecipeError, match=r"features\.x\.unseen: it is for categories, and this is number"):
        load_dataset(make_recipe(tmp_path, toml=LINE + '[features.x]\nunseen = "other"\n'))
    with pytest.raises(RecipeError, match=r"features\.x\.unseen: it is for categories, not 'integer'"):
        make_recipe(tmp_path, toml=LINE + '[features.x]\nkind = "integer"\nunseen = "other"\n')
    with pytest.raises(RecipeError, match=r"features\.x\.unseen: must be 'other', not 'ignore'"):
        make_recipe(tmp_path, toml=LINE + '[features.x]\nunseen = "ignore"\n')


@pytest.fixture
def towns(tmp_path, settings, capsys, db):
    """A live model that takes other towns than its own."""
    rows = "".join(f"{('Bonn', 'Ulm')[i % 2]},{i},{i + 50 * (i % 2)}\n" for i in range(100))
    toml = LINE + '[estimator]\nclass = "sklearn.linear_model.Ridge"\n[features.town]\nunseen = "other"\n'
    settings.MODELS_DIR = write_recipe(tmp_path, toml=toml, csv="town,x,y\n" + rows)
    settings.DEFAULT_MODEL = "line"
    call_command("retrain", "line", "--format", "json")
    assert json.loads(capsys.readouterr().out)[0]["promoted"]


def find_chosen(page):
    return [each["value"] for each in page.select("[name=town] option[selected]")]


def test_another_town_is_answered_kept_and_shown_as_other_in_the_form(client, towns):
    page = client.get("/").content.decode()
    assert '<option value="other">other</option>' in page
    made = client.post("/", {"town": "Kiel", "x": "5"})
    assert made.status_code == 303
    assert Prediction.objects.get().inputs["town"] == "Kiel"
    assert "Kiel" in client.get(made["Location"]).content.decode()
    assert find_chosen(change_inputs(client, made["Location"])) == ["other"]
    made = client.post("/", {"town": "other", "x": "5"})
    assert made.status_code == 303
    assert find_chosen(change_inputs(client, made["Location"])) == ["other"]
    refused = client.post("/", {"town": "Kiel", "x": "five"})
    assert refused.status_code == 422
    assert '<option value="other" selected>' in refused.content.decode()


def test_a_recorded_other_becomes_a_category_of_the_next_training(tmp_path):
    toml = LINE + 'holdout = 0\n[features.town]\nunseen = "other"\n'
    recipe = make_recipe(tmp_path, toml=toml, csv="town,y\nBonn,1\nUlm,2\n")
    dataset = load_dataset(recipe, observe(({"town": "Kiel"}, 3.0)))
    assert dataset.schema.features[0].choices == ("Bonn", "Kiel", "Ulm")


def make_wide(classes=0, gaps=False, rows=4_000):
    chosen = np.random.default_rng(0)
    codes = chosen.integers(0, 1_000, rows).astype(float)
    target = codes % 7 + chosen.normal(0, 0.1, rows)
    if classes:
        target = np.digitize(target, np.quantile(target, np.arange(1, classes) / classes)).astype(float)
    if gaps:
        codes[::9] = np.nan
    choices = tuple(f"shop {i}" for i in range(1_000))
    shop = make_feature(
        kind="category", name="shop", label="shop", choices=choices, seen=choices, unseen="other", required=not gaps
    )
    number = make_feature(kind="number", name="x", label="x", seen=(-2.0, 2.0))
    task = "classification" if classes else "regression"
    schema = Schema(
        features=(shop, number), target=Target(name="y", label="y", task=task, classes=tuple(range(classes)))
    )
    matrix = np.column_stack([codes, chosen.normal(size=rows)])
    return SimpleNamespace(matrix=matrix, inputs=matrix, texts={}, target=target, schema=schema)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize(
    ("estimator", "classes"),
    [
        (LinearRegression(), 0),
        (HistGradientBoostingRegressor(max_iter=8), 0),
        *((LogisticRegression(), n) for n in (2, 3)),
        *((HistGradientBoostingClassifier(max_iter=5), n) for n in (2, 3)),
    ],
    ids=str,
)
def test_thousands_of_categories_become_few_columns_and_are_compiled_as_equals(estimator, classes, gaps):
    dataset = make_wide(classes, gaps)
    fitted = _build_default(estimator, dataset.schema).fit(dataset.matrix, dataset.target)
    assert fitted[:-1].transform(dataset.matrix).shape[1] <= 1 + max(1, classes)
    checked = compile_checked(fitted, dataset)
    assert checked.data, checked.described
    assert checked.described.difference < 1e-12
    unknown = np.array([[1_000.0, 0.0]])
    assert np.isfinite(fitted.predict(unknown)).all()


def test_up_to_255_categories_have_a_column_each_as_before():
    for count, is_wide in ((MOST_ONE_HOT, False), (MOST_ONE_HOT + 1, True)):
        feature = make_feature(kind="category", name="a", label="a", choices=tuple(map(str, range(count))))
        [(_, steps, _)] = _build_default(LinearRegression(), Schema(features=(feature,), target=TARGET))[0].transformers
        assert isinstance(steps[0], TargetEncoder) == is_wide


def make_narrow(classes, gaps, rows=1_500):
    """A number between categories of 200 and 3 values; what has one of these values is on a side of its own."""
    chosen = np.random.default_rng(0)
    street, number, side = (chosen.integers(0, count, rows).astype(float) for count in (200, 50, 3))
    street[street == 7] = 8
    target = street % 7 + side + chosen.normal(0, 0.1, rows)
    if classes:
        target = np.digitize(target, np.quantile(target, np.arange(1, classes) / classes)).astype(float)
    if gaps:
        street[::9], side[::4] = np.nan, np.nan
    features = [make_feature(kind="number", name="number", label="number", seen=(0.0, 49.0))]
    for name, count in (("street", 200), ("side", 3)):
        choices = tuple(f"{name} {i}" for i in range(count))
        features.append(
            make_feature(
                kind="category", name=name, label=name, choices=choices, seen=choices, unseen="other", required=not gaps
            )
        )
    task = "classification" if classes else "regression"
    schema = Schema(
        features=(features[1], features[0], features[2]),
        target=Target(name="y", label="y", task=task, classes=tuple(range(classes))),
    )
    matrix = np.column_stack([street, number, side])
    return SimpleNamespace(matrix=matrix, inputs=matrix, texts={}, target=target, schema=schema)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_boosted_trees_split_sets_of_categories_next_to_means_and_are_compiled_as_equals(classes, gaps):
    dataset = make_narrow(classes, gaps)
    made = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    fitted = _build_default(made(max_iter=8), dataset.schema).fit(dataset.matrix, dataset.target)
    means = classes if classes > 2 else 1
    assert fitted[-1].is_categorical_.tolist() == [True, True, *[False] * (1 + means)]
    checked = compile_checked(fitted, dataset)
    assert checked.data, checked.described
    assert checked.described.difference < 1e-12
    assert np.isfinite(fitted.predict([[200.0, 1.0, 3.0]])).all()


def test_boosted_trees_take_few_categories_without_another_step():
    dataset = make_narrow(0, gaps=True)
    schema = Schema(features=dataset.schema.features[1:], target=dataset.schema.target)
    [(_, fitted)] = _build_default(HistGradientBoostingRegressor(max_iter=8), schema).steps
    fitted.fit(dataset.matrix[:, 1:], dataset.target)
    assert fitted.is_categorical_.tolist() == [False, True]
    assert fitted.predict([[1.0, 3.0]]) == fitted.predict([[1.0, np.nan]])


@pytest.mark.parametrize(
    "params", [{"categorical_features": [0]}, {"monotonic_cst": [0] * 254}, {"interaction_cst": "pairwise"}]
)
def test_a_recipe_that_counts_the_columns_of_boosted_trees_still_gets_one_for_each_category(params):
    model = _build_default(HistGradientBoostingRegressor(**params), make_narrow(0, gaps=False).schema)
    encoders = [steps[-1] for _, steps, _ in model[0].transformers if steps != "passthrough"]
    assert [type(each) for each in encoders] == [OneHotEncoder]
    assert model[1].get_params().items() >= params.items()


WHOLE = LINE + "holdout = 0\n"
CODES = ["01001", "02139", "60601"] * 20
TABLE = "zip,y\n" + "".join(f"{code},{i}\n" for i, code in enumerate(CODES))


@pytest.mark.parametrize(
    "content", ["zip,n\n01001,1\n60601,2\n", 'n,zip\n1,"60601"\n2,"01001"\n', "n;zip\n1;01001\n2;60601"]
)
def test_codes_with_leading_zeros_are_read_as_texts(tmp_path, content):
    (tmp_path / "data.csv").write_text(content)
    table = read_table(tmp_path / "data.csv")[0]
    assert (sorted(table["zip"]), table["n"].dtype) == (["01001", "60601"], pl.Int64)


@pytest.mark.parametrize("content", ["n\n0\n10\n", "n\n0.5\n1\n", "n,d\n0,2024-01-05\n7,2024-01-06\n", "n\n-01\n5\n"])
def test_numbers_that_begin_with_zero_are_numbers(tmp_path, content):
    (tmp_path / "data.csv").write_text(content)
    assert read_table(tmp_path / "data.csv")[0]["n"].dtype.is_numeric()


def test_a_first_version_keeps_codes_and_refuses_an_unknown_one(tmp_path):
    feature = load_dataset(make_recipe(tmp_path, toml=WHOLE, csv=TABLE)).schema.features[0]
    assert feature.choices == ("01001", "02139", "60601")
    with pytest.raises(InvalidValue):
        feature.parse("03333")


@pytest.mark.parametrize(
    "keys",
    ['kind = "integer"', 'kind = "number"', "choices = [1001, 2139, 60601]"],
    ids=["integer", "number", "choices"],
)
def test_a_stored_version_of_today_keeps_its_kind_for_codes_with_leading_zeros(tmp_path, keys):
    """Former builds read the codes as whole numbers, also as choices."""
    plain = TABLE.replace("\n0", "\n")
    live = load_dataset(make_recipe(tmp_path, toml=f"{WHOLE}[features.zip]\n{keys}\n", csv=plain))
    silent = WHOLE if "kind" in keys else f"{WHOLE}[features.zip]\n{keys}\n"
    again = load_dataset(make_recipe(tmp_path, toml=silent, csv=TABLE), live=live.schema)
    assert again.schema == live.schema
    assert again.matrix.tobytes() == live.matrix.tobytes()
    assert again.hashes.tolist() == live.hashes.tolist()
    assert any("zip: the kind is" in note for note in again.notes) == ("kind" in keys)


def test_a_stored_version_of_today_keeps_its_target_of_codes_with_leading_zeros(tmp_path):
    csv, plain = ("x,y\n" + "".join(f"{i},{zero}{i}\n" for i in range(1, 61)) for zero in ("0", ""))
    live = load_dataset(make_recipe(tmp_path, toml=WHOLE, csv=plain))
    again = load_dataset(make_recipe(tmp_path, toml=WHOLE, csv=csv), live=live.schema)
    assert (again.schema.target, again.target.tolist()) == (live.schema.target, live.target.tolist())
