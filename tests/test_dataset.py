import hashlib

import numpy as np
import pytest

from predictor.exceptions import Coded, DatasetError, RecipeError
from predictor.record.job_problem import JobProblem
from predictor.training.dataset import load_dataset
from tests.recipes import LINE, LINE_CSV, make_recipe, write_recipe

ALL_TRAINING = LINE + "holdout = 0\n"


def load(tmp_path, csv=LINE_CSV, toml=LINE):
    return load_dataset(make_recipe(tmp_path, toml=toml, csv=csv))


def catch_error(tmp_path, error, **files):
    with pytest.raises(error) as caught:
        load(tmp_path, **files)
    return str(caught.value).replace(str(tmp_path / "ml_models" / "line") + "/", "")


def test_a_table_becomes_a_schema_a_matrix_and_a_target(tmp_path):
    dataset = load(tmp_path, "a,y,b\n1,0.5,red\n2,,blue\n,1.5,\n", ALL_TRAINING)
    assert dataset.schema.names == ["a", "b"]
    assert dataset.schema.target.name == "y"
    # The second row has no target; its category remains no choice.
    np.testing.assert_array_equal(dataset.matrix, [[1.0, 0.0], [np.nan, np.nan]])
    assert dataset.target.tolist() == [0.5, 1.5]
    assert dataset.left_out == 1


@pytest.mark.parametrize(
    ("csv", "toml", "sentence"),
    [
        ("x,z\n1,2\n", LINE, "The table has no column “y”, the target of the recipe. Its columns are “x”, “z”."),
        (
            "x,y\n1,2\n",
            f"{LINE}[features.z]\n",
            "The table has no column “z”, which the recipe names. Its columns are “x”,",
        ),
        ("x,y\n1,\n", LINE, "No row of the table has a value in “y”, the target of the recipe."),
        ("x,y\n1,2\n", ALL_TRAINING, "Too few rows are left to train on: 1. At least 2 are needed."),
        (
            "x,y\n1,2\n",
            LINE,
            "The table has too few rows to hold some out: 1. Use more, or set holdout = 0 in the recipe.",
        ),
    ],
)
def test_the_most_frequent_refusals_have_a_code_and_values_by_which_pages_say_them(tmp_path, csv, toml, sentence):
    with pytest.raises(Coded) as refused:
        load(tmp_path, csv, toml)
    assert str(JobProblem(code=refused.value.code, values=refused.value.values)).startswith(sentence)


def test_the_sides_follow_the_share_and_divide_the_rows(tmp_path):
    dataset = load(tmp_path)
    assert 5 <= dataset.held_out.sum() <= 40
    assert (dataset.training == ~dataset.held_out).all()
    assert load(tmp_path, toml=ALL_TRAINING).held_out.sum() == 0


def test_the_range_seen_is_that_of_the_training_rows(tmp_path):
    dataset = load(tmp_path, "x,y\n" + "".join(f"{i},0.5\n" for i in range(30)), LINE + "holdout = 0.6\n")
    training = dataset.matrix[dataset.training]
    assert dataset.schema.features[0].seen == (training.min(), training.max()) != (0.0, 29.0)


def test_the_target_never_decides_a_side(tmp_path):
    header, *rows = LINE_CSV.splitlines()
    other = "\n".join([header, *(f"{row}1" for row in rows)])
    assert load(tmp_path).held_out.tolist() == load(tmp_path, other).held_out.tolist()


def test_what_was_read_is_fingerprinted(tmp_path):
    assert load(tmp_path).sha256 == hashlib.sha256(LINE_CSV.encode()).hexdigest()


def test_an_excluded_column_is_no_feature_and_may_be_empty(tmp_path):
    dataset = load(tmp_path, "id,x,y\n,1,1.5\n,2,2.5\n", ALL_TRAINING + "[features.id]\nexclude = true")
    assert dataset.schema.names == ["x"]


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ("x,y\n1,2\n3\n", "data.csv, line 3: 1 value for 2 columns, none for 'y': write an empty value where"),
        ("x,y\n1,\n2,NA\n", "data.csv: no row has a value in the target 'y'."),
        ("x,y\n,1\n,2\n", "data.csv: x: the column is empty: exclude it or fill it."),
        (
            "x,y\n1e400,1\n1.5,2\n",
            "data.csv: x: 1 row contains a number beyond ±1.8e308: fix it or leave it empty.",
        ),
        ("x,y\n1,2\n", "data.csv: 1 row is left to train on; at least 2 are needed."),
    ],
)
def test_a_table_that_cannot_be_learnt_from_is_refused_with_its_place(tmp_path, csv, message):
    assert message in catch_error(tmp_path, DatasetError, csv=csv, toml=ALL_TRAINING)


@pytest.mark.parametrize(
    ("toml", "csv", "message"),
    [
        ("target = 'z'", "x,y\n1,2\n", "target: 'z' is not a column; the columns are 'x', 'y'."),
        ("[features.z]", LINE_CSV, "features.z: there is no such column; the columns are 'x', 'y'."),
        ("[features.x]\nexclude = true", LINE_CSV, "features: no column but the target is left to train on: keep"),
        ("", "y\n1\n2\n", "features: no column but the target is left to train on: keep at least one."),
        (
            "holdout = 0.001",
            "x,y\n1,2\n",
            "holdout: a share of 0.001 holds out none of the 1 row: write holdout = 0.",
        ),
    ],
)
def test_a_recipe_that_does_not_fit_its_table_is_refused_with_its_key(tmp_path, toml, csv, message):
    base = LINE.replace('target = "y"', "") if toml.startswith("target") else LINE
    error = catch_error(tmp_path, RecipeError, csv=csv, toml=base + toml)
    assert error.startswith("model.toml: " + message)


CLASSES_CSV = "x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(60))


@pytest.mark.parametrize(
    ("line", "csv", "message"),
    [
        ('target_transform = "log"', LINE_CSV + "11,0\n12,-3\n", "target_transform: 2 rows have a y of 0 or less,"),
        ('target_transform = "log"', CLASSES_CSV, "target_transform: is for numbers, and the target 'y' is classes"),
        ('interval = "scaled"', CLASSES_CSV, "interval: is for numbers, and the target 'y' is classes"),
    ],
)
def test_what_is_for_other_targets_is_refused_with_its_key(tmp_path, line, csv, message):
    assert message in catch_error(tmp_path, RecipeError, csv=csv, toml=f"{LINE}{line}\n")


def test_a_table_of_many_columns_is_named_in_part(tmp_path):
    names = [f"c{i}" for i in range(30)]
    error = catch_error(tmp_path, RecipeError, csv=",".join(names) + "\n" + ",".join("1" * 30) + "\n")
    assert error.endswith("'c18', 'c19', ….")


@pytest.mark.parametrize(
    ("data", "problem"),
    [("no.csv", "was not found"), (".", "was not found"), ("/etc/passwd", "is an absolute path")],
)
def test_a_table_that_is_no_file_beside_the_recipe_is_named_with_its_key(tmp_path, data, problem):
    error = catch_error(tmp_path, RecipeError, toml=LINE.replace("data.csv", data))
    assert f"model.toml: data: {data!r} {problem}: write its path from " in error


def test_two_recipes_may_share_a_table(tmp_path):
    write_recipe(tmp_path, "other")
    assert load(tmp_path, toml=LINE.replace("data.csv", "../other/data.csv")).schema.names == ["x"]


def test_the_author_is_told_of_limits_that_the_data_breaks_and_of_categories_that_tell_rows_apart(tmp_path):
    csv = "x,name,y\n" + "".join(f"{i + 5},n{i % 300},{i}\n" for i in range(600))
    limits = f"{LINE}\n[features.x]\nminimum = 15\nmaximum = 584\n"
    assert load(tmp_path, toml=limits, csv=csv).notes == [
        "x: 30 rows are beyond the hard limits, where the form refuses inputs",
        "name: 300 categories; exclude it if it only identifies rows",
    ]


def test_a_column_named_as_a_field_of_every_form_is_refused_unless_it_is_excluded(tmp_path):
    csv = "csrfmiddlewaretoken,x,y\n" + "".join(f"{i},{i},{i}\n" for i in range(50))
    assert "every form has a field with this name" in catch_error(tmp_path, DatasetError, csv=csv)
    excluded = f"{LINE}\n[features.csrfmiddlewaretoken]\nexclude = true\n"
    assert load(tmp_path, toml=excluded, csv=csv).schema.names == ["x"]
