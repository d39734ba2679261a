"""What a version keeps of its training data: enough to compare later predictions with, and no training row."""

from types import SimpleNamespace

import numpy as np
import pytest

from predictor.models import Kept
from predictor.record.reference import MISSING, REFERENCE, cut_blocks, read_reference, write_reference
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.seen_words import store_words
from predictor.schema.target import Target
from predictor.training.reference import describe_reference, find_edges

X = make_feature(name="x", kind="number", label="x")
COLOURS = tuple(f"colour {number}" for number in range(40))
COLOUR = make_feature(name="colour", kind="category", label="Colour", choices=COLOURS)
SHAPE = make_feature(name="shape", kind="category", label="Shape", choices=COLOURS)
NEW = make_feature(name="new", kind="boolean", label="New")
PRICE = Target(name="price", label="Price", task="regression")
KIND = Target(name="kind", label="Kind", task="classification", classes=("a", "b"))


def refer(features, matrix, *, target=PRICE, predicted=(1.0, 2.0), held_out=0, texts=None, method="hold-out"):
    """The reference of all rows but the last ones, which are held out."""
    training = np.arange(len(matrix)) < len(matrix) - held_out
    dataset = SimpleNamespace(
        schema=Schema(features=features, target=target),
        matrix=matrix,
        texts=texts or {},
        training=training,
        held_out=~training,
    )
    evaluation = SimpleNamespace(method=method, predictions=SimpleNamespace(predicted=np.array(predicted)))
    return describe_reference(dataset, evaluation, seed=0)


@pytest.mark.parametrize(
    ("values", "most", "inner"),
    [
        ([3.0] * 50, 10, []),
        ([1.0, 2.0] * 25, 10, [1.5]),
        ([0.0] * 60 + list(range(1, 41)), 10, [0.5, 10.5, 20.5, 30.5]),
        (list(range(20)), 100, [4.5, 9.5, 14.5]),
        ([0.0, np.nextafter(0.0, 1.0)] * 20, 10, [0.0]),
        ([0.0] * 50 + [1.0] + [2.0] * 49, 10, [0.5]),
        ([0.0] * 96 + [1.0] * 4, 20, []),
        ([-1.7e308, 1.7e308] * 20, 10, [0.0]),
    ],
)
def test_bins_have_five_rows_and_values_that_many_rows_have_are_bins_alone(values, most, inner):
    edges = find_edges(np.array(values, dtype=float), most)
    assert edges[1:-1].tolist() == inner
    assert edges[0] < min(values) < np.nextafter(edges[-1], np.inf)
    assert edges[-1] == max(values)
    counts = np.bincount(edges.searchsorted(np.array(values, dtype=float)), minlength=len(edges) + 1)
    assert (counts[0], counts[-1], counts.sum()) == (0, 0, len(values))
    assert counts[1:-1].min() >= 5


def test_a_reference_counts_the_training_rows_alone_and_the_predictions_for_others():
    matrix = np.array([[1.0, 0.0, 1.0], [2.0, 1.0, 0.0], [np.nan, np.nan, 0.0], [9.0, 5.0, 1.0]])
    reference = refer((X, COLOUR, NEW), matrix, target=KIND, predicted=[0.0, 1.0, 1.0], held_out=1)
    x, colour, new = reference.columns
    assert reference.rows == 3
    assert (sum(x.counts), x.missing, x.read_edges()[-1]) == (2, 1, 2.0)
    assert (colour.counts[:2], sum(colour.counts), colour.missing, len(colour.counts)) == ((1, 1), 2, 1, 41)
    assert new.counts == (2, 1)
    assert [(each.name, each.part, each.counts) for each in reference.others] == [("kind", "output", (1, 2))]


def test_which_values_of_a_training_row_go_together_is_not_kept():
    """Other rows, with the same values in each column of each block, have the same reference."""
    random = np.random.default_rng(0)
    rows = random.integers(0, 40, (1000, 2)).astype(float)
    order = random.permutation(1000)
    others = rows.copy()
    for block in order.reshape(-1, 5):
        others[block, 1] = rows[np.roll(block, 1), 1]
    numbers, other_numbers = (each.astype(np.uint8) for each in (rows, others))
    assert (rows != others).any(axis=1).mean() > 0.9
    blocks = cut_blocks(numbers, order)
    assert blocks.shape == (200, 2, 5)
    assert (blocks == cut_blocks(other_numbers, order)).all()
    kept = refer((COLOUR, SHAPE), rows).read_blocks()
    assert (np.sort(kept, axis=2) == kept).all(), "an order of rows is kept"


def test_numbers_are_kept_as_bins_whose_inner_ends_are_values_of_no_row():
    values = np.random.default_rng(0).normal(size=1000)
    [column] = refer((X,), values[:, np.newaxis]).columns
    assert (len(column.counts), column.single) == (102, (False, False))
    assert not np.isin(column.read_edges()[:-1], values).any()


def test_of_a_text_its_length_is_kept_and_of_held_out_ones_the_share_of_known_words():
    opinion = make_feature(name="opinion", kind="text", label="Opinion", words=store_words(["good", "bad"]))
    texts = np.array(["good", "bad bad", None, "good or", "unknown words"], dtype=object)
    matrix, predicted = np.full((5, 1), np.nan), [1.0, 2.0]
    reference = refer((opinion,), matrix, texts={0: texts}, held_out=2, predicted=predicted)
    [length] = reference.columns
    words, price = reference.others
    assert (length.part, sum(length.counts), length.missing, length.read_edges()[-1]) == ("length", 2, 1, 7.0)
    assert (words.part, words.read_edges()[1:].tolist(), sum(words.counts)) == ("known words", [0.5], 2)
    assert price.part == "output"
    without = refer((opinion,), matrix, texts={0: texts}, method="5-fold out-of-fold")
    assert [each.part for each in without.others] == ["output"], "every word of a training text is known"


def test_missing_and_constant_columns_and_single_rows_have_a_reference():
    matrix = np.column_stack([np.full(7, np.nan), np.full(7, 4.0)])
    empty, constant = refer((X, X), matrix).columns
    assert (empty.counts, empty.missing) == ((0,), 7)
    assert (constant.counts, constant.single, empty.single) == ((0, 7, 0), (True, True), (False, False))
    assert constant.place(np.array([3.9, 4.0, 4.1])).tolist() == [0, 1, 2]
    assert refer((X, X), matrix).read_blocks()[0].tolist() == [[MISSING] * 5, [1] * 5]
    assert refer((X,), np.array([[1.0]])).read_blocks().shape == (0, 1, 5)


def test_a_wide_table_keeps_less_of_each_column():
    random = np.random.default_rng(0)
    wide = tuple(make_feature(name=f"x{number}", kind="number", label="x") for number in range(600))
    assert len(write_reference(refer(wide, random.normal(size=(2000, 600))))) < 1_000_000
    narrow = tuple(wide[:10])
    assert len(write_reference(refer(narrow, random.normal(size=(20_000, 10))))) < 60_000


@pytest.mark.both_databases
def test_a_version_keeps_its_reference_whatever_the_bytes_are(penguins):
    reference = read_reference(Kept.objects.find_content(penguins.id, REFERENCE))
    assert reference.rows == penguins.parsed_data.training_rows
    assert [each.name for each in reference.columns] == penguins.parsed_schema.names
    assert [(each.name, each.part) for each in reference.others] == [(penguins.target.name, "output")]
    assert sum(reference.others[0].counts) == penguins.parsed_data.held_out_rows
