import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from predictor.exceptions import DatasetError, RecipeError
from predictor.numbers import LARGEST_INTEGER
from predictor.training.columns import encode_column, encode_target
from predictor.training.dataset import load_dataset
from predictor.training.kinds import describe_free_text, find_misfit, infer_kind, infer_task, read_whole
from predictor.training.number_columns import read_numbers
from tests.recipes import LINE, make_recipe

RANDOM = np.random.default_rng(0)


def encode(tmp_path, keys, values):
    recipe = make_recipe(tmp_path, toml=f"{LINE}\n[features.x]\n{keys}\n")
    return encode_column(recipe, read_numbers(recipe, pl.Series("x", values)))


@pytest.mark.parametrize(
    ("values", "is_whole"),
    [
        ([1.0, None, 2.0], True),
        ([-0.0, -3.0], True),
        ([float(LARGEST_INTEGER), -float(LARGEST_INTEGER)], True),
        ([2.0**53, 1.0], False),
        ([1e300], False),
        ([1.0, 0.5], False),
        ([1.0] * 5_000 + [0.5], False),
        ([1.0, float("inf")], False),
        ([1.0, float("nan")], False),
    ],
)
def test_decimals_that_are_all_whole_are_whole_numbers(values, is_whole):
    read = read_whole(pl.Series("x", values))
    assert read.dtype.is_integer() == is_whole
    np.testing.assert_array_equal(read.cast(pl.Float64).to_numpy(), pl.Series(values).to_numpy())


@given(st.lists(st.one_of(st.none(), st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)), min_size=1))
def test_whole_numbers_are_the_same_column_however_they_are_written(numbers):
    column = pl.Series("x", numbers, dtype=pl.Int64)
    written = read_whole(column.cast(pl.Float64))
    if column.null_count() < len(column):
        assert written.equals(column)
        assert infer_kind(written) == infer_kind(column) == "integer"


@pytest.mark.parametrize("rows", ["{x}.0,{y}", "{x},{y}.0", "{x}.0,{y}.0", "{x}.00,{y}.0"])
def test_a_table_means_the_same_whether_its_whole_numbers_are_written_1_or_1_0(tmp_path, rows):
    plain, decimal = (
        load_dataset(
            make_recipe(tmp_path, csv="x,y\n" + "".join(f"{form.format(x=i * 7 % 90, y=i % 2)}\n" for i in range(90)))
        )
        for form in ("{x},{y}", rows)
    )
    assert decimal.schema == plain.schema
    assert decimal.schema.target.classes == (0, 1)
    assert [type(label) for label in decimal.schema.target.classes] == [int, int]
    assert decimal.hashes.tolist() == plain.hashes.tolist()


@pytest.mark.parametrize("target", ["0.0,1.0,2.0", "1.0,2.0", "7.0,9.0"], ids=["from 0", "two", "codes"])
def test_classes_may_be_written_as_decimals(tmp_path, target):
    csv = "x,y\n" + "".join(f"{i},{target.split(',')[i % target.count('.')]}\n" for i in range(90))
    dataset = load_dataset(make_recipe(tmp_path, toml=f'{LINE}\ntask = "classification"', csv=csv))
    assert dataset.schema.target.classes == tuple(int(float(label)) for label in target.split(","))


@pytest.mark.parametrize("choices", ['["1", "2"]', '["1.0", "2.0"]', "[1, 2]", "[1.0, 2.0]"])
@pytest.mark.parametrize("values", [[1.0, 2.0, None], [1, 2, None]])
def test_choices_of_whole_numbers_may_be_written_either_way(tmp_path, choices, values):
    column = encode(tmp_path, f"choices = {choices}", values)
    assert (column.kind, column.choices) == ("category", ("1", "2"))
    np.testing.assert_array_equal(column.values, [0, 1, np.nan])


def test_a_choice_written_in_both_ways_stands_there_twice(tmp_path):
    with pytest.raises(RecipeError, match="a choice is listed twice"):
        encode(tmp_path, 'choices = ["1", "1.0"]', [1.0])


@pytest.mark.parametrize(
    ("kind", "values", "encoded"),
    [
        ("number", [1, 2, None], [1, 2, np.nan]),
        ("number", [1.0, 2.0], [1, 2]),
        ("number", [True, False], [1, 0]),
        ("number", [" 1.5", "+2"], [1.5, 2]),
        ("integer", [1.0, 2.0], [1, 2]),
        ("integer", [True, False], [1, 0]),
        ("boolean", [0, 1, None], [0, 1, np.nan]),
        ("boolean", [0.0, 1.0], [0, 1]),
        ("boolean", [True, False], [1, 0]),
        ("category", [2, 1, None], [1, 0, np.nan]),
        ("category", [2.0, 1.0], [1, 0]),
        ("category", [True, False], [1, 0]),
        ("category", ["1", "2", "3+"], [0, 1, 2]),
        ("category", [f"text {i:02}" for i in range(50)], list(range(50))),
    ],
)
def test_the_recipe_may_say_the_kind(tmp_path, kind, values, encoded):
    column = encode(tmp_path, f'kind = "{kind}"', values)
    assert column.kind == kind
    np.testing.assert_array_equal(column.values, encoded)


@pytest.mark.parametrize(
    ("kind", "values", "misfit"),
    [
        ("integer", [1, 2.5], "2.5"),
        ("integer", [1, 2**53], str(2**53)),
        ("integer", ["a", "b", "3"], "'a'"),
        ("number", ["3", "a", "b"], "'a'"),
        ("boolean", [0, 1, 2], "2"),
        ("boolean", ["yes", "no"], "'yes'"),
        ("category", [1.0, 2.5], "2.5"),
    ],
)
def test_a_value_that_is_not_of_the_recipes_kind_is_named(tmp_path, kind, values, misfit):
    with pytest.raises(RecipeError) as caught:
        encode(tmp_path, f'kind = "{kind}"', pl.Series(values, strict=False))
    assert f"model.toml: features.x.kind: data.csv also contains {misfit}, but {kind} means " in str(caught.value)


@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()), min_size=1))
@example([2**63])
def test_no_column_misfits_the_kind_that_is_inferred_for_it(values):
    one_type = [value for value in values if value is None or type(value) is type(values[0])]
    series = read_whole(pl.Series("x", one_type, strict=False))
    if series.null_count() < len(series):
        assert find_misfit(series.fill_nan(None) if series.dtype.is_float() else series, infer_kind(series)) is None


def draw_counts(mean, rows):
    return RANDOM.poisson(mean, rows).tolist()


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0, 1, 1], "classification"),
        ([0, 0], "classification"),
        (["a", "b"], "classification"),
        ([True, False], "classification"),
        ([0, 1, 2] * 50, "classification"),
        ([1, 2, 3] * 5, "classification"),
        ([1, 2, 3, 4, 5] * 20, "classification"),
        (list(range(10)) * 180, "classification"),
        ([0] * 900 + [1] * 60 + [2] * 40, "classification"),
        ([0, 1, 2] * 4, "regression"),
        ([0] * 600 + [1] * 600 + [2] * 12, "regression"),
        (list(range(11)) * 100, "regression"),
        ([0, 1, 3] * 50, "regression"),
        ([1, 2] * 50, "regression"),
        ([2, 3, 4] * 50, "regression"),
        ([-1, 0, 1] * 50, "regression"),
        ([3, 4, 5, 6, 7, 8] * 200, "regression"),
        ([0.5, 1.5] * 50, "regression"),
        (draw_counts(2, 1_000), "regression"),
        (draw_counts(0.7, 200), "regression"),
        (draw_counts(0.7, 200_000), "regression"),
    ],
)
def test_few_whole_numbers_that_count_up_from_0_or_1_are_classes(values, task):
    assert infer_task(pl.Series("y", values)) == task


@pytest.mark.parametrize(("task", "classes"), [("regression", ()), ("classification", (0, 1, 2, 3))])
def test_the_recipe_says_otherwise(tmp_path, task, classes):
    recipe = make_recipe(tmp_path, toml=f'{LINE}\ntask = "{task}"')
    assert encode_target(recipe, pl.Series("y", [0, 1, 2, 3] * 20))[0].classes == classes


@pytest.mark.parametrize(
    ("different", "rows", "is_free"),
    [(20, 20, False), (21, 21, True), (21, 41, True), (21, 42, False), (600, 1_199, True), (600, 1_200, False)],
)
def test_more_than_20_texts_of_which_more_than_half_differ_are_no_category(tmp_path, different, rows, is_free):
    texts = [*(f"text {i % different}" for i in range(rows)), None, None]
    assert bool(describe_free_text(pl.Series("x", texts))) == is_free
    if not is_free:
        assert encode(tmp_path, "", texts).kind == "category"
        return
    with pytest.raises(DatasetError) as caught:
        encode(tmp_path, "", texts)
    assert f"data.csv: x: {different} different texts in {rows} rows are free text" in str(caught.value)
    hint = 'write kind = "text" or exclude = true below [features.x] in model.toml, or list its choices there.'
    assert hint in str(caught.value)
    assert encode(tmp_path, f"choices = {sorted(set(texts) - {None})}", texts).kind == "category"


ENGLISH = [f"the meeting of group {i} is at noon" for i in range(40)]
CHINESE = [f"我们第{i}次去那家店吃饭" for i in range(40)]
JAPANESE = [f"{i}番の電車はとても混んでいました" for i in range(40)]
THAI = [f"อาหารร้านที่{i}อร่อยมาก" for i in range(40)]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (ENGLISH, "text"),
        (CHINESE, "text"),
        (JAPANESE, "text"),
        (THAI, "text"),
        ([*ENGLISH[:21], *["no idea"] * 19], "text"),
        ([*ENGLISH[:19], *(f"no idea {i}" for i in range(21))], "category"),
        (ENGLISH[:20], "category"),
        ([ENGLISH[i % 20] for i in range(40)], "category"),
        ([f"Ada{i} Lovelace{i}" for i in range(40)], "category"),
        ([f"王小明{i}" for i in range(40)], "category"),
        ([f"https://example.org/a-page-of-words?and={i}" for i in range(40)], "category"),
        ([f"550e8400-e29b-41d4-a716-4466554400{i}" for i in range(40)], "category"),
        ([f"{i} 000 - 12 : 30" for i in range(40)], "category"),
    ],
)
def test_a_column_is_text_where_most_values_differ_and_have_several_words(texts, kind):
    assert infer_kind(pl.Series("x", [*texts, None])) == kind


def test_a_target_of_free_text_is_no_class(tmp_path):
    recipe = make_recipe(tmp_path)
    series = pl.Series("y", [f"text {i}" for i in range(30)])
    with pytest.raises(DatasetError, match="y: 30 different texts in 30 rows are free text"):
        encode_target(recipe, series)
    assert len(encode_target(make_recipe(tmp_path, toml=f'{LINE}\ntask = "classification"'), series)[0].classes) == 30
