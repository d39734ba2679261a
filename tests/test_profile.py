import json

import msgspec
import numpy as np
import pytest

from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.training.reports.profile import CURVE_STEPS, MOST_BINS, MOST_POINTS, describe_target, describe_training

X = make_feature(name="x", kind="number", label="x", seen=(0.0, 10.0))
N = make_feature(name="n", kind="integer", label="n", seen=(1.0, 9.0))
SEX = make_feature(name="sex", kind="category", label="Sex", choices=("f", "m"), seen=("f", "m"))
QUANTITY = Target(name="y", label="y", task="regression")
SPECIES = Target(name="species", label="Species", task="classification", classes=("Adelie", "Gentoo"))
MATRIX = np.array([[0.0, 1.0], [1.0, 5.0], [np.nan, 7.0], [10.0, 9.0]])
CODES = np.array([0.0, 1.0, 1.0, 0.0])


def describe(features, target, matrix, answers, *, show_data=True, seed=0):
    def double(asked):
        return 2 * asked[:, 0]

    schema = Schema(features=features, target=target)
    profile = describe_training(schema, matrix, answers, double, show_data=show_data, seed=seed)
    return json.loads(json.dumps(msgspec.to_builtins(profile)))


def test_a_regression_on_one_number_has_points_and_a_curve_over_the_range_seen():
    profile = describe((X,), QUANTITY, MATRIX[:, :1], np.arange(4.0))
    assert profile["axes"] == ["x", "y"]
    assert profile["points"] == [[0.0, 0.0, None], [1.0, 1.0, None], [10.0, 3.0, None]]
    assert len(profile["curve"]) == CURVE_STEPS
    assert (profile["curve"][0], profile["curve"][-1]) == ([0.0, 0.0], [10.0, 20.0])


def test_a_regression_on_more_has_no_curve_and_draws_its_first_number():
    profile = describe((SEX, X), QUANTITY, MATRIX[:, ::-1], np.arange(4.0))
    assert profile["axes"] == ["x", "y"]
    assert profile["curve"] == []
    assert profile["points"][1] == [1.0, 1.0, None]


def test_a_classification_draws_its_first_two_numbers_marked_with_the_class():
    profile = describe((X, SEX, N), SPECIES, np.insert(MATRIX, 1, 0.0, axis=1), CODES)
    assert profile["axes"] == ["x", "n"]
    assert profile["curve"] == []
    assert profile["points"] == [[0.0, 1.0, "Adelie"], [1.0, 5.0, "Gentoo"], [10.0, 9.0, "Adelie"]]


@pytest.mark.parametrize(("features", "target"), [((SEX,), QUANTITY), ((X, SEX), SPECIES)])
def test_a_model_with_too_few_numbers_has_nothing_to_draw(features, target):
    profile = describe(features, target, MATRIX[:, : len(features)], CODES)
    assert (profile["axes"], profile["curve"], profile["points"]) == ([], [], [])
    assert sum(profile["target"]["counts"]) == len(CODES)


@pytest.mark.parametrize(("features", "target"), [((X,), QUANTITY), ((X, N), SPECIES)])
def test_no_training_row_is_kept_unless_the_recipe_says_so(features, target):
    assert describe(features, target, MATRIX[:, : len(features)], CODES, show_data=False)["points"] == []


def test_a_feature_without_any_value_in_training_has_no_curve():
    unseen = make_feature(name="x", kind="number", label="x", required=False)
    profile = describe((unseen,), QUANTITY, np.full((2, 1), np.nan), np.zeros(2))
    assert (profile["points"], profile["curve"]) == ([], [])


def test_many_rows_are_sampled_by_the_seed_alone():
    rows = np.arange(1000.0)
    first, again, other = (describe((X,), QUANTITY, rows[:, None], rows, seed=seed)["points"] for seed in (0, 0, 1))
    assert len(first) == MOST_POINTS
    assert len({x for x, _, _ in first}) == MOST_POINTS
    assert first == again != other


def test_all_of_exactly_the_most_points_are_kept():
    rows = np.arange(float(MOST_POINTS))
    assert [x for x, _, _ in describe((X,), QUANTITY, rows[:, None], rows)["points"]] == rows.tolist()


@pytest.mark.parametrize("classes", [("a", "b"), (0, 1), (False, True)])
def test_a_profile_survives_json(classes):
    target = Target(name="y", label="y", task="classification", classes=classes)
    profile = describe((X, N), target, MATRIX, CODES)
    assert json.loads(json.dumps(profile, allow_nan=False)) == profile
    assert [mark for _, _, mark in profile["points"]] == [classes[0], classes[1], classes[0]]


@pytest.mark.parametrize(
    ("target", "low", "high", "counts"),
    [
        (np.array([0.0, 1, 1, 2]), -0.5, 2.5, (1, 2, 1)),
        (np.array([0.0] * 99 + [1]), -0.5, 1.5, (99, 1)),
        (np.arange(100.0), -0.5, 99.5, (5,) * 20),
        (np.array([7.0, 7.0]), None, None, None),
        (np.array([-1.7e308, 1.7e308]), None, None, None),
    ],
)
def test_whole_numbers_are_counted_in_bins_around_them(target, low, high, counts):
    found = describe_target(QUANTITY, target)
    assert (found and (found.low, found.high, found.counts)) == ((counts and (low, high, counts)) or msgspec.UNSET)


def test_a_distribution_leaves_out_the_ends_so_that_no_row_is_told_apart():
    found = describe_target(QUANTITY, np.append(np.random.default_rng(0).normal(0, 1, 1000), [1e9, -1e9]))
    assert -4 < found.low < found.high < 4
    assert 970 <= found.rows < 1000
    assert len(found.counts) == MOST_BINS


def test_classes_are_counted_by_their_codes_also_one_without_rows():
    target = Target(name="species", label="Species", task="classification", classes=("Adelie", "Gentoo", "new"))
    assert describe_target(target, CODES).counts == (2, 2, 0)
