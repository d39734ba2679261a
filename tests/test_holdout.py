import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from predictor.training.columns import Column
from predictor.training.dataset import load_dataset
from predictor.training.holdout import FOLDS, assign_folds, hash_rows, is_held_out
from tests.recipes import LINE, LINE_CSV, make_recipe

NAN = float("nan")


def number(name, *values):
    return Column(name=name, kind="number", values=np.array(values))


def category(name, choices, *codes):
    return Column(name=name, kind="category", values=np.array(codes), choices=choices)


TABLE = [
    number("bill", 39.1, 0.0, -2.5, NAN, 1e300),
    Column(name="year", kind="integer", values=np.array([2007.0, 2008.0, 2009.0, 2007.0, -1.0])),
    category("island", ("Torgersen", "Île\nd’Or"), 0.0, 1.0, NAN, 0.0, 1.0),
    Column(name="tagged", kind="boolean", values=np.array([1.0, 0.0, NAN, 1.0, 0.0])),
]
# These must never change: held-out rows would be trained on, and every comparison of versions would be wrong.
HASHES = [0x7FCD082E764A05D5, 0x360993F210CDD2AA, 0xC14BB06705392F6C, 0x8B8EB51019FAAE56, 0xDBBF5908616E727E]
TEXT_HASHES = [0xBF25F56DC98B08E3, 0x30785CB54441BF47, 0xE3816335E7387B89, 0x5AB2377C10683BA2, 0x3BC2906383BF0C8C]
MIXED_HASHES = [0xE0A29A8B108188E1, 0xC857252F451AD39D, 0x9A8FBD685988E015, 0x67FFAE08B7F09505, 0x3D456EF243B6547F]


def load_held_out(tmp_path, csv, features=""):
    """The held-out rows of a table: those columns but the target, as a set."""
    dataset = load_dataset(make_recipe(tmp_path, toml=LINE + features, csv=csv))
    return {tuple(row) for row in dataset.matrix[dataset.held_out].tolist()}


def test_known_rows_have_known_hashes_forever():
    assert hash_rows(TABLE).tolist() == HASHES
    assert assign_folds(hash_rows(TABLE)).tolist() == [1, 3, 1, 4, 3]


def test_known_texts_have_known_hashes_forever_which_are_those_of_categories():
    texts = np.array(["Free cash", None, "Île\nd’Or", "现金", "7"], dtype=object)
    as_text = Column(name="text", kind="text", values=np.full(5, NAN), texts=texts)
    as_category = category("text", ("7", "Free cash", "Île\nd’Or", "现金"), 1.0, NAN, 2.0, 3.0, 0.0)
    for column in (as_text, as_category):
        assert hash_rows([column]).tolist() == TEXT_HASHES
        assert hash_rows([*TABLE, column]).tolist() == MIXED_HASHES


def test_a_known_table_has_known_held_out_rows_forever(tmp_path):
    csv = "x,y\n" + "".join(f"{i},0.5\n" for i in range(30))
    assert load_held_out(tmp_path, csv) == {(x,) for x in (7.0, 9.0, 11.0, 14.0, 17.0, 22.0, 25.0, 28.0)}


def test_the_order_of_columns_does_not_matter():
    assert hash_rows(TABLE[::-1]).tolist() == HASHES


def test_the_order_of_rows_does_not_matter():
    turned = [Column(name=c.name, kind=c.kind, values=c.values[::-1], choices=c.choices) for c in TABLE]
    assert hash_rows(turned).tolist() == HASHES[::-1]


def test_the_order_of_choices_and_unused_choices_do_not_matter():
    other = [*TABLE[:2], category("island", ("Biscoe", "Île\nd’Or", "Torgersen"), 2.0, 1.0, NAN, 2.0, 1.0), TABLE[3]]
    assert hash_rows(other).tolist() == HASHES


@pytest.mark.parametrize("changed", [0, 1, 2, 3])
def test_every_column_and_its_name_matter(changed):
    column = TABLE[changed]
    renamed = Column(name=column.name + "s", kind=column.kind, values=column.values, choices=column.choices)
    assert not set(hash_rows([*TABLE[:changed], renamed, *TABLE[changed + 1 :]]).tolist()) & set(HASHES)
    assert not set(hash_rows([*TABLE[:changed], *TABLE[changed + 1 :]]).tolist()) & set(HASHES)


def test_values_that_changed_columns_are_another_row():
    assert hash_rows([number("a", 1.0), number("b", 2.0)]) != hash_rows([number("a", 2.0), number("b", 1.0)])


@pytest.mark.parametrize(
    ("choices", "values"),
    [
        (("1", "2"), (1.0, 2.0)),
        (("1.0", "2e0"), (1.0, 2.0)),
        (("-0", "05"), (0.0, 5.0)),
        (("true", "False"), (1.0, 0.0)),
        (("1",), (1.0, NAN)),
    ],
)
def test_a_number_or_truth_hashes_the_same_when_it_is_called_a_category(choices, values):
    codes = [NAN if np.isnan(value) else float(i) for i, value in enumerate(values)]
    assert hash_rows([category("x", choices, *codes)]).tolist() == hash_rows([number("x", *values)]).tolist()


@pytest.mark.parametrize("kind", ["number", "integer", "boolean"])
def test_the_kind_does_not_matter(kind):
    values = np.array([0.0, 1.0, NAN])
    column = Column(name="x", kind=kind, values=values)
    assert hash_rows([column]).tolist() == hash_rows([number("x", *values)]).tolist()


def test_minus_zero_is_zero_and_every_missing_value_is_one():
    odd_nan = np.array([0xFFF8000000000123], dtype=np.uint64).view(np.float64)[0]
    assert len(set(hash_rows([number("x", 0.0, -0.0)]).tolist())) == 1
    assert len(set(hash_rows([number("x", NAN, odd_nan, -NAN)]).tolist())) == 1
    assert hash_rows([number("x", 0.0)]) != hash_rows([number("x", NAN)])


hashes = arrays.arrays(np.uint64, st.integers(1, 50))


@given(hashes, st.floats(0, 1), st.floats(0, 1))
def test_a_row_below_a_share_is_also_below_every_larger_one(hashed, one, other):
    small, large = sorted((one, other))
    assert not (is_held_out(hashed, small) & ~is_held_out(hashed, large)).any()


@given(hashes)
def test_a_share_of_zero_holds_nothing_out_and_every_row_has_a_fold(hashed):
    assert not is_held_out(hashed, 0).any()
    assert set(assign_folds(hashed).tolist()) <= set(range(FOLDS))


ROWS = 20_000
COUNTED = np.arange(float(ROWS))
RANDOM = np.random.default_rng(0).normal(size=(2, ROWS))


@pytest.mark.parametrize(
    "columns",
    [
        [number("x", *COUNTED)],
        [number("x", *(COUNTED * 1e-9))],
        [number("x", *RANDOM[0]), number("y", *RANDOM[1])],
        [number("x", *(COUNTED % 150)), number("y", *(COUNTED // 150))],
    ],
    ids=["counted", "tiny steps", "random", "grid"],
)
def test_rows_are_spread_evenly_over_shares_and_folds(columns):
    hashed = hash_rows(columns)
    assert len(np.unique(hashed)) == ROWS
    for share in (0.01, 0.1, 0.2, 0.5):
        # Four standard deviations of a binomial.
        assert is_held_out(hashed, share).sum() == pytest.approx(ROWS * share, abs=4 * (ROWS * share) ** 0.5)
    assert np.bincount(assign_folds(hashed)) == pytest.approx(np.full(FOLDS, ROWS / FOLDS), abs=4 * ROWS**0.5)


def test_duplicates_stay_together_whatever_their_target(tmp_path):
    once = load_held_out(tmp_path, LINE_CSV)
    corrected = LINE_CSV + "".join(f"{line.split(',')[0]},-5\n" for line in LINE_CSV.splitlines()[1:])
    dataset = load_dataset(make_recipe(tmp_path, csv=corrected))
    assert 0 < len(once) < 100
    assert dataset.held_out[:100].tolist() == dataset.held_out[100:].tolist()
    assert load_held_out(tmp_path, corrected) == once


def test_rows_that_come_later_change_no_side(tmp_path):
    grown = LINE_CSV + "".join(f"{i / 10},1.5\n" for i in range(100, 200))
    once = load_held_out(tmp_path, LINE_CSV)
    assert {row for row in load_held_out(tmp_path, grown) if row[0] < 10} == once


def test_calling_a_column_a_category_changes_no_side(tmp_path):
    csv = "x,z,y\n" + "".join(f"{i % 4},{i},{i / 3}\n" for i in range(100))
    as_number = load_held_out(tmp_path, csv)
    assert 0 < len(as_number) < 100
    assert load_held_out(tmp_path, csv, "[features.x]\nchoices = [0, 1, 2, 3]") == as_number
