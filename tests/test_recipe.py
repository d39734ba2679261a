import pytest
from django.urls import get_resolver

from predictor.exceptions import RecipeError
from predictor.schema.kinds import KINDS
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.recipe import RESERVED_SLUGS, SLUG, TAKEN_SLUGS, find_slugs, read_recipe
from tests.recipes import LINE, make_recipe, write_recipe

FULL = """
title = "Penguins"
description = "Which species?"
target = "species"
data = "birds.csv"
task = "classification"
holdout = 0.3
seed = 7
show_data = true

[estimator]
class = "sklearn.linear_model.LogisticRegression"
params = { max_iter = 1000 }

[features.sex]
label = "Sex"
choices = ["male", "female", 3]
required = true

[features."bill mm"]
unit = "mm"
help = "Along the ridge."
minimum = 0
maximum = 99.5

[features.id]
exclude = true
"""


def make_models_dir(tmp_path, toml):
    """Write a recipe with a key replaced: LINE without the line of the key that `toml` sets."""
    key = toml.partition("=")[0].strip()
    kept = [line for line in LINE.splitlines() if line.partition("=")[0].strip() != key]
    return write_recipe(tmp_path, toml="\n".join([*kept, toml]))


def catch_error(models_dir, slug="line"):
    with pytest.raises(RecipeError) as caught:
        read_recipe(models_dir, slug)
    return str(caught.value).replace(str(models_dir / slug / "model.toml"), "FILE")


def test_every_key_is_read(tmp_path):
    recipe = make_recipe(tmp_path, "penguins", toml=FULL)
    assert (recipe.slug, recipe.title, recipe.description) == ("penguins", "Penguins", "Which species?")
    assert (recipe.target, recipe.task, recipe.holdout, recipe.seed) == ("species", "classification", 0.3, 7)
    assert recipe.show_data is True
    assert recipe.data_file == tmp_path / "ml_models" / "penguins" / "birds.csv"
    assert recipe.estimator.path == "sklearn.linear_model.LogisticRegression"
    assert recipe.estimator.params == {"max_iter": 1000}
    assert recipe.features == {
        "sex": FeatureRecipe(label="Sex", choices=["male", "female", 3], required=True),
        "bill mm": FeatureRecipe(unit="mm", help="Along the ridge.", minimum=0.0, maximum=99.5),
        "id": FeatureRecipe(exclude=True),
    }


def test_what_is_left_out_has_its_default(tmp_path):
    recipe = make_recipe(tmp_path)
    assert (recipe.task, recipe.holdout, recipe.seed, recipe.show_data) == (None, 0.2, 0, False)
    assert (recipe.description, recipe.estimator, recipe.features) == ("", None, {})


def test_a_transform_of_the_target_and_a_width_of_intervals_exclude_each_other(tmp_path):
    assert make_recipe(tmp_path, toml=LINE + 'target_transform = "log"').target_transform == "log"
    assert make_recipe(tmp_path, toml=LINE + 'interval = "scaled"').interval == "scaled"
    models_dir = write_recipe(tmp_path, toml=LINE + 'interval = "scaled"\ntarget_transform = "log"')
    assert "interval: target_transform = 'log' decides the width: leave out one" in catch_error(models_dir)


def test_a_byte_order_mark_is_no_part_of_a_recipe(tmp_path):
    assert make_recipe(tmp_path, toml="\ufeff" + LINE.lstrip()).title == "A line"


@pytest.mark.parametrize("key", ["title", "target", "data"])
def test_a_missing_key_is_named_with_what_to_write(tmp_path, key):
    toml = "\n".join(line for line in LINE.splitlines() if not line.startswith(key))
    assert catch_error(write_recipe(tmp_path, toml=toml)) == f'FILE: {key}: is missing: write {key} = "…".'


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("title = 5", "must be a string, not 5"),
        ('title = ""', "must be a string of length >= 1, not ''"),
        ('title = "a\\u0000b"', "must be a string without NUL characters, not 'a\\x00b'"),
        ("description = ['a']", "must be a string, not ['a']"),
        ("target = true", "must be a string, not True"),
        ("data = 1979-05-27", "must be a string, not datetime.date(1979, 5, 27)"),
        ("task = 'regresion'", "must be 'regression' or 'classification', not 'regresion'"),
        ("task = 'a - at `$.b`'", "must be 'regression' or 'classification', not 'a - at `$.b`'"),
        ("holdout = 1", "must be a number < 1.0, not 1"),
        ("holdout = -0.1", "must be a number >= 0.0, not -0.1"),
        ("holdout = nan", "must be a number >= 0.0, not nan"),
        ("holdout = '20%'", "must be a number, not '20%'"),
        ("seed = -1", "must be an integer >= 0, not -1"),
        ("seed = 4294967296", "must be an integer <= 4294967295, not 4294967296"),
        ("seed = 1.5", "must be an integer, not 1.5"),
        ("seed = true", "must be an integer, not True"),
        ("show_data = 1", "must be true or false, not 1"),
        ("estimator = 'sklearn'", "must be a table such as [estimator], not 'sklearn'"),
        ("features = ['x']", "must be tables such as [features.x], not ['x']"),
    ],
)
def test_a_wrong_value_is_named_with_file_and_key_and_what_is_right(tmp_path, toml, expected):
    key = toml.partition(" ")[0]
    assert catch_error(make_models_dir(tmp_path, toml)) == f"FILE: {key}: {expected}."


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("label = 5", "must be a string, not 5"),
        ("unit = false", "must be a string, not False"),
        ("help = 'a\\u0000'", "must be a string without NUL characters, not 'a\\x00'"),
        ("minimum = '0'", "must be a number, not '0'"),
        ("minimum = true", "must be a number, not True"),
        ("minimum = nan", "must be a number >= -1.7976931348623157e+308, not nan"),
        ("maximum = inf", "must be a number <= 1.7976931348623157e+308, not inf"),
        (f"maximum = {10**309}", f"must be a number that float64 can hold, not {10**309}"),
        ("choices = 'male'", "must be an array, not 'male'"),
        ("choices = []", "must be an array of length >= 1, not []"),
        ("kind = 'words'", f"must be {' or '.join(map(repr, KINDS))}, not 'words'"),
        (
            "kind = 'integer'\nchoices = [1]",
            "choices make a category, not 'integer': leave out one of the two",
        ),
        ("required = 'no'", "must be true or false, not 'no'"),
        ("exclude = 1", "must be true or false, not 1"),
    ],
)
def test_a_wrong_value_inside_a_feature_is_named_with_its_feature(tmp_path, toml, expected):
    toml = toml.replace("'a\\u0000'", '"a\\u0000"')
    error = catch_error(write_recipe(tmp_path, toml=f"{LINE}\n[features.x]\n{toml}"))
    assert error == f"FILE: features.x.{toml.partition(' ')[0]}: {expected}."


@pytest.mark.parametrize("choice", ["1.5", "true", "['a']"])
def test_a_choice_that_is_neither_text_nor_integer_is_named_by_its_place(tmp_path, choice):
    error = catch_error(write_recipe(tmp_path, toml=f"{LINE}\n[features.x]\nchoices = ['a', {choice}]"))
    assert error.startswith("FILE: features.x.choices[1]: must be an integer or a string, not ['a', ")


def test_a_choice_written_1_0_is_the_whole_number(tmp_path):
    recipe = read_recipe(write_recipe(tmp_path, toml=f"{LINE}\n[features.x]\nchoices = [1.0, 2, -3.0]"), "line")
    assert recipe.features["x"].choices == [1, 2, -3]


@pytest.mark.parametrize("value", ["5", "[1]", "'mm'"])
def test_a_feature_that_is_no_table_is_refused(tmp_path, value):
    error = catch_error(write_recipe(tmp_path, toml=f"{LINE}\n[features]\nx = {value}"))
    assert error.startswith("FILE: features.x: must be a table such as [features.x], not ")


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("params = {}", 'class: is missing: write class = "…"'),
        ("class = 5", "class: must be a string, not 5"),
        ("class = 'a'\nparams = 5", "params: must be a table, not 5"),
        ("path = 'a'", "path: there is no such key; it may be one of class, params"),
    ],
)
def test_a_wrong_estimator_is_named_with_its_key(tmp_path, toml, expected):
    assert catch_error(write_recipe(tmp_path, toml=f"{LINE}\n[estimator]\n{toml}")) == f"FILE: estimator.{expected}."


@pytest.mark.parametrize("key", ["tilte", "slug", "folder", "hold-out"])
def test_an_unknown_key_is_named_with_the_known_ones(tmp_path, key):
    known = "title, description, target, data, task, target_transform, interval, holdout, seed, show_data, estimator"
    known += ", gate, contract, tune, output, order, examples, embed_origins, access, schedule, features, translations"
    error = catch_error(write_recipe(tmp_path, toml=f"{LINE}\n{key} = 'a'"))
    assert error == f"FILE: {key}: there is no such key; it may be one of {known}."


def test_an_unknown_key_inside_a_feature_is_named_with_the_known_ones(tmp_path):
    known = (
        "label, kind, unit, help, group, minimum, maximum, format, zone, choices, labels, missing, merge, "
        "unseen, maximum_length, required, exclude, sensitive"
    )
    error = catch_error(write_recipe(tmp_path, toml=f"{LINE}\n[features.'bill mm']\nminimun = 3"))
    assert error == f"FILE: features.bill mm.minimun: there is no such key; it may be one of {known}."


@pytest.mark.parametrize("toml", ["title = ", "a = 1\na = 2", b"title = '\xff'", "[features.x]\n[features.x]"])
def test_what_is_no_toml_is_refused(tmp_path, toml):
    assert catch_error(write_recipe(tmp_path, toml=toml)).startswith("FILE cannot be read as TOML: ")


def test_a_missing_recipe_names_those_that_exist(tmp_path):
    write_recipe(tmp_path, "line")
    models_dir = write_recipe(tmp_path, "penguins")
    assert catch_error(models_dir, "linr") == "FILE was not found; the recipes here are: line, penguins."


def test_a_missing_recipe_among_none_says_so(tmp_path):
    assert catch_error(tmp_path) == "FILE was not found; the recipes here are: none yet."


@pytest.mark.parametrize(
    "slug", ["Line", "1line", "_line", "my-line", "my line", "línea", "line\n", "..", "", "a" * 51]
)
def test_a_folder_name_that_can_be_no_slug_is_refused(tmp_path, slug):
    error = catch_error(tmp_path, slug)
    assert f"the folder's name {slug!r} is the model's slug and must be 1 to 50 lower-case letters" in error


@pytest.mark.parametrize("slug", ["a", "line_2", "a" * 50])
def test_a_good_slug_is_taken(tmp_path, slug):
    assert make_recipe(tmp_path, slug).slug == slug


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_a_slug_that_the_site_uses_itself_is_refused(tmp_path, slug):
    error = catch_error(write_recipe(tmp_path, slug), slug)
    assert error == f"FILE: the slug '{slug}' is already a page of the site; rename the folder."


def test_what_later_pages_and_the_standard_protocols_need_is_reserved():
    protocols = {"invocations", "ping", "v2", "version", "health", "metrics"}
    assert protocols | {"api", "docs", "static", "favicon"} <= RESERVED_SLUGS


def test_every_first_segment_of_our_urls_is_reserved():
    tops = get_resolver().url_patterns
    # What is included at "" brings first segments of its own.
    patterns = [*tops, *(inner for top in tops if not str(top.pattern) for inner in top.url_patterns)]
    firsts = {str(pattern.pattern).partition("/")[0] for pattern in patterns}
    fixed = {first for first in firsts if SLUG.fullmatch(first)}
    assert {"admin", "about", "predictions", "readyz"} <= fixed <= RESERVED_SLUGS | TAKEN_SLUGS


def test_recipes_are_found_by_their_model_toml(tmp_path):
    for slug in ("penguins", "line"):
        write_recipe(tmp_path, slug)
    (tmp_path / "ml_models" / "notes").mkdir()
    assert find_slugs(tmp_path / "ml_models") == ["line", "penguins"]
    assert find_slugs(tmp_path / "nowhere") == []


@pytest.mark.parametrize("problem", ["is wrong", "is wrong."])
def test_an_error_that_blames_a_key_ends_with_one_full_stop(tmp_path, problem):
    recipe = make_recipe(tmp_path)
    assert str(recipe.error("target", problem)) == f"{recipe.file}: target: is wrong."
