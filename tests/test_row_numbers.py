import polars as pl
import pytest

from predictor.training.row_numbers import find_row_numbers

ROWS = 40
COUNTING = list(range(ROWS))
OTHER = [i * 7 % 40 / 3 for i in range(ROWS)]


def find(columns, rows=ROWS):
    return find_row_numbers(pl.DataFrame({**columns, "b": OTHER[:rows], "y": OTHER[:rows]}), "y")


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"Unnamed: 0": COUNTING}, id="as pandas reads its index"),
        pytest.param({"Unnamed: 0": [i * 3 for i in COUNTING]}, id="after a filter"),
        pytest.param({"Unnamed: 0": [i * 7 % 41 for i in COUNTING]}, id="shuffled"),
        pytest.param({"Unnamed: 0": [i % 20 for i in COUNTING]}, id="two tables joined"),
        pytest.param({"Unnamed: 0.1": COUNTING}, id="saved twice"),
        pytest.param({"Unnamed: 0": [float(i) for i in COUNTING]}, id="written as decimals"),
        pytest.param({"__index_level_0__": [i * 3 for i in COUNTING]}, id="as pandas writes it to Parquet"),
        pytest.param({"rownames": [i + 1 for i in COUNTING]}, id="as R writes it"),
        pytest.param({"row.names": [f"Car {i}" for i in COUNTING]}, id="names as R writes them"),
        pytest.param({"index": [i * 7 % 41 for i in COUNTING]}, id="an index by name"),
        pytest.param({"day": COUNTING}, id="counting from 0"),
        pytest.param({"day": [i + 1 for i in COUNTING]}, id="counting from 1"),
        pytest.param({"day": [float(i) for i in COUNTING]}, id="counting in decimals"),
    ],
)
def test_a_column_that_numbers_the_rows_is_recognised(columns):
    assert find(columns) == list(columns)


def test_it_is_recognised_in_any_place_by_its_name():
    assert find({"a": OTHER, "Unnamed: 0": COUNTING}) == ["Unnamed: 0"]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"a": [i + 2 for i in COUNTING]}, id="counting from 2"),
        pytest.param({"a": COUNTING[::-1]}, id="counting down"),
        pytest.param({"a": [*COUNTING[:-1], ROWS]}, id="a gap in the count"),
        pytest.param({"a": [*COUNTING[:-1], None]}, id="a missing value"),
        pytest.param({"a": OTHER, "c": COUNTING}, id="not the first column"),
        pytest.param({"index": [i % 20 for i in COUNTING]}, id="an index whose numbers come again"),
        pytest.param({"index": [i + 0.5 for i in COUNTING]}, id="an index that is a quantity"),
        pytest.param({"Unnamed: 0": [i + 0.5 for i in COUNTING]}, id="a quantity without a name"),
        pytest.param({"Unnamed: 0": ["u", "v"] * 20}, id="a category without a name"),
        pytest.param({"index": [i % 2 == 0 for i in COUNTING]}, id="a boolean"),
    ],
)
def test_a_column_that_may_tell_something_is_not(columns):
    assert find(columns) == []


@pytest.mark.parametrize(("rows", "is_found"), [(29, False), (30, True)])
def test_few_rows_may_count_by_chance(rows, is_found):
    assert bool(find({"dose": COUNTING[:rows]}, rows)) == is_found
    assert find({"Unnamed: 0": COUNTING[:rows]}, rows) == ["Unnamed: 0"]


def test_the_only_feature_is_not_taken_for_a_row_number():
    assert find_row_numbers(pl.DataFrame({"x": COUNTING, "y": OTHER}), "y") == []


def test_the_target_is_not_taken_for_a_row_number():
    assert find_row_numbers(pl.DataFrame({"index": COUNTING, "b": OTHER}), "index") == []
