import numpy as np
import polars as pl
import pytest

from predictor.exceptions import DatasetError, RecipeError
from predictor.training.columns import encode_column, encode_target, infer_feature
from predictor.training.number_columns import read_numbers
from tests.recipes import LINE, make_recipe

NAN = float("nan")


@pytest.fixture
def recipe(tmp_path):
    """Make a recipe that says the given about x, or about its target y."""
    return lambda x="", y="", top="": make_recipe(tmp_path, toml=f"{LINE}{top}\n[features.x]\n{x}\n[features.y]\n{y}\n")


def describe(recipe, values, seen=None):
    column = encode_column(recipe, pl.Series("x", values))
    training = np.ones(len(values), dtype=bool) if seen is None else np.array(seen)
    return infer_feature(recipe, column, training)


@pytest.mark.parametrize(
    ("values", "kind", "encoded"),
    [
        ([1.5, None, 2.0], "number", [1.5, NAN, 2.0]),
        ([1.5, NAN, 2.0], "number", [1.5, NAN, 2.0]),
        ([3, None, 1], "integer", [3, NAN, 1]),
        ([0, 1, 1], "integer", [0, 1, 1]),
        ([2**53 - 1, 0], "integer", [2**53 - 1, 0]),
        ([2**53, 0], "number", [2**53, 0]),
        ([-(2**63), 0], "number", [-(2**63), 0]),
        ([True, None, False], "boolean", [1, NAN, 0]),
        (["b", None, "a"], "category", [1, NAN, 0]),
        (["a\r\nb", "a\rb", "a\nb"], "category", [0, 0, 0]),
    ],
)
def test_the_kind_is_inferred_and_the_values_encoded(recipe, values, kind, encoded):
    column = encode_column(recipe(), pl.Series("x", values))
    assert column.kind == kind
    assert column.values.dtype == np.float64
    np.testing.assert_array_equal(column.values, encoded)


def test_minus_zero_is_encoded_as_zero(recipe):
    assert not np.signbit(encode_column(recipe(), pl.Series("x", [-0.0, 1.0])).values).any()


@pytest.mark.parametrize("values", [[1, 2, None, 1], ["1", "2", None, "1"]])
def test_integers_are_a_category_where_the_recipe_lists_choices(recipe, values):
    column = encode_column(recipe("choices = [2, 1, 3]"), pl.Series("x", values))
    assert (column.kind, column.choices) == ("category", ("2", "1", "3"))
    np.testing.assert_array_equal(column.values, [1, 0, NAN, 1])


@pytest.mark.parametrize("choices", [["True", "False"], ["TRUE", "FALSE"], ["true", "false"]])
def test_truths_are_spelt_as_the_recipe_spells_its_choices(recipe, choices):
    column = encode_column(recipe(f"choices = {choices}"), pl.Series("x", [False, None, True]))
    assert column.choices == tuple(choices)
    np.testing.assert_array_equal(column.values, [1, NAN, 0])


def test_truths_are_a_category_where_the_recipe_lists_choices(recipe):
    column = encode_column(recipe('choices = ["true", "false"]'), pl.Series("x", [False, True]))
    np.testing.assert_array_equal(column.values, [1, 0])


@pytest.mark.parametrize(
    ("keys", "values", "message"),
    [
        (
            "choices = ['a']",
            [1.5],
            "model.toml: features.x.choices: leave it out: the column contains decimal numbers.",
        ),
        ("choices = [1, '1']", [1], "model.toml: features.x.choices: a choice is listed twice: ['1', '1']."),
        ("choices = ['a']", ["a", "b"], "features.x.choices: data.csv also contains 'b': add it to the choices or fix"),
        ("minimum = 0", ["a"], "features.x: minimum and maximum are for numbers, and this is a category."),
        ("maximum = 0\nchoices = [1]", [1], "features.x: minimum and maximum are for numbers, and this is a category."),
        ("maximum = 1", [True], "features.x: minimum and maximum are for numbers, and this is a boolean."),
        ("minimum = 2\nmaximum = 1", [1], "features.x.minimum: 2.0 is above the maximum 1.0."),
        ("required = true", [1, None], "features.x.required: data.csv has rows where it is missing."),
    ],
)
def test_what_a_recipe_says_against_its_data_is_refused(recipe, keys, values, message):
    with pytest.raises(RecipeError) as caught:
        describe(recipe(keys), values)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pl.Series("x", [None, None], dtype=pl.String), "data.csv: x: the column is empty: exclude it or fill it."),
        (pl.Series("x", [1.0, float("inf")]), "data.csv: x: 1 row contains a number beyond ±1.8e308: fix it"),
        (pl.Series("x", ["a\x00"]), "data.csv: x: a text contains a NUL character, which databases cannot store."),
    ],
)
def test_values_that_cannot_be_learnt_from_are_refused(recipe, values, message):
    with pytest.raises(DatasetError) as caught:
        encode_column(recipe(), values)
    assert message in str(caught.value)


def test_a_feature_is_described_by_its_data(recipe):
    feature = describe(recipe(), [1.5, 9.0, 2.5, 4.0])
    assert (feature.name, feature.label, feature.kind, feature.required) == ("x", "x", "number", True)
    assert (feature.minimum, feature.maximum, feature.seen, feature.typical) == (None, None, (1.5, 9.0), 2.5)


def test_the_words_of_the_recipe_go_first(recipe):
    keys = "label = 'Width'\nunit = 'mm'\nhelp = 'Across.'\nminimum = 0\nmaximum = 20\nrequired = false"
    feature = describe(recipe(keys), [1.5, 9.0])
    assert (feature.label, feature.unit, feature.help, feature.required) == ("Width", "mm", "Across.", False)
    assert (feature.minimum, feature.maximum, feature.seen) == (0.0, 20.0, (1.5, 9.0))


def test_gaps_in_the_data_make_a_value_optional(recipe):
    assert describe(recipe(), [1.5, None]).required is False


def test_only_training_rows_count_as_seen_but_every_row_for_gaps_and_choices(recipe):
    held_out = [True, True, False]
    number = describe(recipe(), [1.0, 2.0, None], held_out)
    assert (number.seen, number.required) == ((1.0, 2.0), False)
    category = describe(recipe(), ["a", "b", "c"], held_out)
    assert (category.choices, category.seen) == (("a", "b", "c"), ("a", "b"))


@pytest.mark.parametrize("values", [[None, 5.0], [None, "a"], [None, True]])
def test_a_feature_without_any_value_in_training_has_seen_nothing(recipe, values):
    feature = describe(recipe(), values, [True, False])
    assert (feature.seen, feature.typical) == ((), None)


@pytest.mark.parametrize(
    ("values", "typical"), [([1, 2, 9, 8], 2), (["b", "a", "b"], "b"), ([True, False, True], True), ([0.5], 0.5)]
)
def test_the_typical_value_is_one_that_occurs(recipe, values, typical):
    feature = describe(recipe(), values)
    assert feature.typical == typical
    assert type(feature.typical) is type(typical)


@pytest.mark.parametrize(
    ("values", "classes", "codes"),
    [
        (["b", "a", "b"], ("a", "b"), [1, 0, 1]),
        (["a\r\nb", "a\nb", "c"], ("a\nb", "c"), [0, 0, 1]),
        ([1, 0, 1], (0, 1), [1, 0, 1]),
        ([True, False], (False, True), [1, 0]),
    ],
)
def test_classes_are_encoded_in_their_order(recipe, values, classes, codes):
    target, encoded = encode_target(recipe(), pl.Series("y", values))
    assert (target.task, target.classes) == ("classification", classes)
    assert [type(label) for label in target.classes] == [type(label) for label in classes]
    assert encoded.tolist() == codes


def test_the_recipe_may_call_integers_classes_or_a_quantity(recipe):
    series = pl.Series("y", [0, 1, 0])
    assert encode_target(recipe(top="task = 'regression'"), series)[0].classes == ()
    target, codes = encode_target(recipe(top="task = 'classification'"), series * 5 + 2)
    assert (target.classes, codes.tolist()) == ((2, 7), [0, 1, 0])


def test_a_quantity_is_taken_as_it_is_with_its_label_and_unit(recipe):
    target, encoded = encode_target(recipe(y="label = 'Height'\nunit = 'mm'"), pl.Series("y", [1, 5, 2]))
    assert (target.name, target.label, target.unit, target.task) == ("y", "Height", "mm", "regression")
    assert encoded.tolist() == [1.0, 5.0, 2.0]


@pytest.mark.parametrize(
    ("top", "y", "values", "message"),
    [
        (
            "task = 'classification'",
            "",
            [0.5, 1.5],
            "model.toml: task: 'y' contains decimal numbers, such as 0.5, which cannot be",
        ),
        ("task = 'regression'", "", ["a", "b"], "task: regression needs a target of numbers, but 'y' contains String."),
        ("task = 'regression'", "", [True, False], "regression needs a target of numbers, but 'y' contains Boolean."),
        (
            "",
            "minimum = 0",
            [0.5],
            "model.toml: features.y: this is the target, which takes only label, unit, labels, missing and merge.",
        ),
        (
            "",
            "exclude = true",
            [0.5],
            "model.toml: features.y: this is the target, which takes only label, unit, labels, missing and merge.",
        ),
        ("", "", ["a", "a"], "data.csv: y: every row is 'a'; at least two classes are needed."),
        ("", "", [1.0, float("inf")], "data.csv: y: 1 row contains a number beyond ±1.8e308"),
        ("", "", [1.0, NAN], "data.csv: y: a target is not a number."),
    ],
)
def test_a_target_that_cannot_be_learnt_is_refused(recipe, top, y, values, message):
    with pytest.raises((RecipeError, DatasetError)) as caught:
        encode_target(recipe(y=y, top=top), pl.Series("y", values))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        ([" 7", "+1", None], [7, 1, None]),
        (["1.5 ", "-2e3", ".5"], [1.5, -2000.0, 0.5]),
        (["7", "8.0"], [7, 8]),
        (["7", "8.5"], [7.0, 8.5]),
    ],
)
def test_texts_that_all_read_as_numbers_are_numbers(recipe, texts, numbers):
    read = read_numbers(recipe(), pl.Series("x", texts))
    assert read.to_list() == numbers
    assert read.dtype.is_integer() == all(isinstance(number, int | None) for number in numbers)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (["1,234", "12,345"], "'1,234' may be thousands or a decimal: write it with a point for decimals and nothing"),
        (["1.234.567", "2 000", "3 000,50"], "'1.234.567' may be thousands or a decimal: write it with a point"),
        (["1,5", "x", "2,5"], "2 values are numbers, but 'x' is not: fix it"),
        (["1,5", "1.5", "2.5"], "2 values are numbers, but '1,5' is not: fix it"),
    ],
)
def test_numbers_that_can_be_read_in_two_ways_are_refused(recipe, values, problem):
    with pytest.raises(DatasetError) as caught:
        read_numbers(recipe(), pl.Series("x", values))
    assert f"data.csv: x: {problem}" in str(caught.value)
    with pytest.raises(DatasetError, match='or set task = "classification"'):
        read_numbers(recipe(), pl.Series("y", values))
    assert read_numbers(recipe("choices = [1]"), pl.Series("x", values)).to_list() == values


@pytest.mark.parametrize(
    "texts", [["01.02.2024", "03.02.2024"], ["1.2.3", "1.10.0"], ["10-20", "20-30"], ["1:30", "2:45"]]
)
def test_dates_versions_and_ranges_are_categories(recipe, texts):
    assert read_numbers(recipe(), pl.Series("x", texts)).to_list() == texts


@pytest.mark.parametrize("slip", ["1_0", "NAN", "1,5", "٣", "-"])
def test_one_slip_in_a_column_of_numbers_is_named_and_makes_no_category_of_it(recipe, slip):
    with pytest.raises(DatasetError) as caught:
        read_numbers(recipe(), pl.Series("x", ["1", "2.5", slip, "3"]))
    assert f"data.csv: x: 3 values are numbers, but {slip!r} is not: fix it, " in str(caught.value)
    assert "or list its choices in the recipe." in str(caught.value)
    assert (f'write missing = ["{slip}"] if it means missing' in str(caught.value)) == (slip in ("NAN", "-"))


def test_texts_with_a_number_among_them_stay_texts(recipe):
    series = pl.Series("x", ["a", "1", "b", None])
    assert read_numbers(recipe(), series) is series


def test_choices_keep_numbers_and_others_apart(recipe):
    series = pl.Series("x", ["1", "2", "3+"])
    assert read_numbers(recipe(x="choices = ['1', '2', '3+']"), series) is series


def test_codes_with_a_text_among_them_can_be_classes(recipe):
    series = pl.Series("y", ["1", "2", "K", "1"])
    assert read_numbers(recipe(top="task = 'classification'"), series) is series
    with pytest.raises(DatasetError, match='set task = "classification"'):
        read_numbers(recipe(), series)
