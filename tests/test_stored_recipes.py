"""Recipes that are rows of the database: what they may contain, and that they are handed over as they are."""

import tomllib
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.discovery import all_estimators

from predictor.checks.stored_recipes import check_stored_recipes
from predictor.exceptions import DatasetError, RecipeError
from predictor.files.keeping import FileWriter
from predictor.lifecycle.data_versions import keep_data_version
from predictor.lifecycle.recipes import list_recipes, open_recipe
from predictor.models import StoredRecipe, Version
from predictor.training.drafting.selection import DEFAULT_ESTIMATORS, LINEAR_ESTIMATORS
from predictor.training.recipe import EstimatorRecipe
from predictor.training.stored.allowlist import ALLOWED, check_estimator
from predictor.training.stored.rules import read_stored
from predictor.training.vectorising import LINEAR_ON_TEXTS
from predictor.training.writing import write_recipe
from tests.recipes import LINE_CSV
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


def make_row(slug="houses", **changed):
    """A model whose recipe is a row, with the table of a line."""
    with FileWriter(name="häuser.csv", made_by="ada", expires=timezone.now() + timedelta(days=1)) as writer:
        writer.write(LINE_CSV.encode())
        file = writer.finish()
    content = {**CONTENT, "features": {"x": {"label": "Area"}}, **changed}
    return StoredRecipe.objects.create(
        model=slug,
        toml=write_recipe(content),
        data_version=keep_data_version(slug, file, "ada"),
        made_by="ada",
    )


def find_figures(version):
    """What is stored of a training, but for how long it took."""
    report = {key: version.report[key] for key in ("importances", "charts", "recipe_sha256", "code_sha256")}
    return version.metrics, version.schema, version.data, version.split, version.profile, report


@pytest.fixture
def no_folders(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "ml_models"
    return settings.MODELS_DIR


@pytest.mark.both_databases
@pytest.mark.django_db
def test_a_row_is_trained_as_a_folder_is_and_the_folder_that_it_is_exported_to_gives_the_same_version(
    no_folders, capsys
):
    make_row()
    call_command("retrain")
    version = Version.objects.get(model="houses")
    assert (version.number, version.parsed_data.file) == (1, "data.csv")
    assert version.parsed_schema.features[0].label == "Area"
    call_command("retrain", "houses")
    assert "predicts as version 1, which is live: nothing to register" in capsys.readouterr().out
    assert not no_folders.exists()
    call_command("exportrecipe", "houses")
    assert sorted(file.name for file in (no_folders / "houses").iterdir()) == ["data.csv", "model.toml"]
    call_command("retrain", "houses", force=True)
    again = Version.objects.get(model="houses", number=2)
    assert find_figures(again) == find_figures(version)
    assert again.artifacts.get(kind="pickle").size == version.artifacts.get(kind="pickle").size


@pytest.mark.django_db
def test_a_model_with_a_row_and_a_folder_is_not_retrained_and_check_names_both(no_folders):
    make_row()
    folder = write_folder(no_folders.parent, "houses") / "houses"
    with pytest.raises(CommandError, match=r"^houses failed"):
        call_command("retrain", "houses")
    assert not Version.objects.exists()
    both = rf"houses has two recipes, the folder {folder} and a row of the database: remove the folder or"
    with pytest.raises(RecipeError, match=both), open_recipe(no_folders, "houses"):
        pass
    [problem] = check_stored_recipes(["default"])
    assert (problem.id, problem.level) == ("predictor.E040", 40)
    assert problem.msg.startswith(f"houses has two recipes: {folder} and a row of the database.")
    call_command("exportrecipe", "houses", str(no_folders / "exported"))
    assert check_stored_recipes(["default"]) == []
    with open_recipe(no_folders, "houses") as place:
        assert place == no_folders


@pytest.mark.django_db
def test_a_recipe_that_was_handed_over_is_used_again_on_demand(no_folders, tmp_path):
    make_row()
    call_command("exportrecipe", "houses", str(tmp_path / "copy"), copy=True)
    assert list_recipes(no_folders) == ["houses"]
    with pytest.raises(CommandError, match=r"copy already exists: choose another folder, or remove it\.$"):
        call_command("exportrecipe", "houses", str(tmp_path / "copy"))
    call_command("exportrecipe", "houses", str(tmp_path / "moved"))
    assert list_recipes(no_folders) == []
    with pytest.raises(RecipeError, match=r"was exported on .* Put its folder there, or run `manage\.py exportrecipe"):
        open_recipe(no_folders, "houses").__enter__()
    call_command("exportrecipe", "houses", undo=True)
    assert list_recipes(no_folders) == ["houses"]
    with pytest.raises(CommandError, match=r"^barns has no recipe in the database; those there are: houses\.$"):
        call_command("exportrecipe", "barns")


@pytest.mark.django_db
def test_a_row_that_was_changed_in_the_database_is_refused_before_anything_is_imported(no_folders):
    row = make_row()
    for toml, problem in [
        (row.toml.replace(TREES, "os.system"), "the recipe of houses in the database: estimator.class: must be one of"),
        (
            row.toml.replace('"data.csv"', '"../../../etc/passwd"'),
            "the recipe of houses in the database: data: must be",
        ),
        (row.toml.replace('"data.csv"', '"pipeline.py/../x"'), "the recipe of houses in the database: data: must be"),
        ("title = ", "the recipe of houses in the database cannot be read as TOML"),
    ]:
        StoredRecipe.objects.update(toml=toml)
        with pytest.raises(RecipeError) as caught, open_recipe(no_folders, "houses"):
            pass
        assert str(caught.value).startswith(problem)
    StoredRecipe.objects.update(toml=row.toml)
    refused = DatasetError("a table", code="few_rows", detail="more", rows=1)
    with pytest.raises(DatasetError) as caught, open_recipe(no_folders, "houses"):
        raise refused
    assert (caught.value.code, caught.value.detail, caught.value.values) == ("few_rows", "more", {"rows": 1})
