import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from predictor.metrics.names import LABELS, describe_scale, format_score
from predictor.metrics.scores import score_classification, score_regression
from predictor.record.comparison import describe_comparison
from predictor.record.decision import read_decision
from predictor.record.measurement import Measurement, read_measurement, write_scores

# Not so small that scikit-learn's own R² overflows.
numbers = st.floats(-1e6, 1e6).map(lambda number: round(number, 6))
codes = st.integers(0, 3).map(float)


def many(values):
    return st.lists(st.tuples(values, values), min_size=1, max_size=30).map(lambda pairs: np.array(pairs).T)


@given(many(numbers))
def test_regressions_are_scored_as_scikit_learn_does(pairs):
    actual, predicted = pairs
    scores = score_regression(actual, predicted)
    assert scores["mae"] == pytest.approx(oracle.mean_absolute_error(actual, predicted))
    assert scores["rmse"] == pytest.approx(oracle.root_mean_squared_error(actual, predicted))
    if "r2" in scores:
        assert scores["r2"] == pytest.approx(oracle.r2_score(actual, predicted))


@given(many(codes))
def test_classes_are_scored_as_scikit_learn_does(pairs):
    actual, predicted = pairs
    scores = score_classification(actual, predicted)
    assert scores["accuracy"] == pytest.approx(oracle.accuracy_score(actual, predicted))
    assert scores["macro_f1"] == pytest.approx(oracle.f1_score(actual, predicted, average="macro", zero_division=0))
    assert "log_loss" not in scores


@given(many(codes), st.integers(0, 1000))
def test_the_log_loss_is_scikit_learns(pairs, seed):
    actual, predicted = pairs
    probabilities = np.random.default_rng(seed).dirichlet(np.full(4, 0.05), len(actual))
    scores = score_classification(actual, predicted, probabilities)
    assert scores["log_loss"] == pytest.approx(oracle.log_loss(actual, probabilities, labels=[0, 1, 2, 3]))


def test_regressions_are_scored_by_hand():
    scores = score_regression(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0]))
    assert scores == pytest.approx({"mae": 2 / 3, "rmse": np.sqrt(4 / 3), "r2": -1.0})


def test_classes_are_scored_by_hand():
    scores = score_classification(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0]))
    assert scores == pytest.approx({"accuracy": 2 / 3, "macro_f1": 2 / 3})


# The mean of three 0.1 is 0.10000000000000002, so that their squared deviations are not 0.
@pytest.mark.parametrize("actual", [[0.1, 0.1, 0.1], [5.0], [0.0, 0.0]])
def test_r2_is_left_out_where_the_truth_does_not_vary(actual):
    scores = score_regression(np.array(actual), np.zeros(len(actual)))
    assert set(scores) == {"mae", "rmse"}


def test_r2_is_left_out_where_the_spread_is_too_small_for_float64():
    assert "r2" not in score_regression(np.array([0.0, 1e-200]), np.zeros(2))


def test_a_probability_of_zero_for_what_happened_gives_a_finite_log_loss():
    scores = score_classification(np.array([1.0]), np.array([0.0]), np.array([[1.0, 0.0]]))
    assert scores["log_loss"] == pytest.approx(-np.log(np.finfo(np.float64).eps))


def test_a_class_that_is_only_predicted_counts_in_macro_f1():
    assert score_classification(np.array([0.0, 0.0]), np.array([0.0, 1.0]))["macro_f1"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("metric", "score", "written"),
    [
        ("rmse", 18_813.2, "$18,810"),
        ("mae", 1234.56, "$1,235"),
        ("mae", 0.00001234, "$0.00001234"),
        ("mae", 1e22, "$1e22"),
        ("r2", 0.96357, "0.9636"),
        ("r2", -1.3e-10, "0"),
        ("r2", -12_345.678, "-12,350"),
        ("accuracy", 1.0, "1"),
        ("macro_f1", 0.66666, "0.6667"),
        ("log_loss", 0.000012345, "0.00001234"),
        ("rmse", None, "–"),
    ],
)
def test_a_score_has_four_digits_and_an_errors_the_targets_unit(metric, score, written):
    assert format_score(metric, score, "$") == written


def test_scores_stand_in_their_order_with_interval_and_baseline():
    kept = {"scores": {"r2": 0.5, "mae": 12_345.6}, "baseline": {"mae": 23_456.7}, "intervals": {"mae": [9e3, 1e6]}}
    error, share = write_scores(read_measurement(kept), "€")
    assert (error.label, error.score, error.interval, error.baseline) == (
        "MAE",
        "€12,350",
        "€9,000 to €1,000,000",
        "€23,460",
    )
    assert (share.label, share.score, share.interval, share.baseline) == ("R²", "0.5", "–", "–")
    assert write_scores(Measurement(), "") == []


def test_a_spread_of_scores_is_as_precise_as_it_is_wide():
    assert str(describe_scale("rmse", "m²").write_spread(1234.5, 56.7)) == "1,234 ± 57\u00a0m²"
    assert str(describe_scale("accuracy", "m²").write_spread(0.12345, 0.0123)) == "0.123 ± 0.012"


def test_a_comparison_tells_scores_gains_and_rows_left_out():
    scores = {"challenger_score": 1.0, "champion_score": 2.0, "baseline_score": 3.0}
    gains = {"gain": {"low": 0.5, "high": 1.5}, "gain_over_baseline": {"low": 1.5, "high": 2.5}}
    decision = {"metric": "rmse", "rows": 40, "left_out": 2, "champion": 7, **scores, **gains}
    lines = [
        "RMSE on 40 rows: this version 1, version 7 2, the baseline 3",
        "gain over version 7, 95 % interval: 0.5 to 1.5",
        "gain over the baseline, 95 % interval: 1.5 to 2.5",
        "2 rows left out, which one of the two cannot score",
    ]
    assert describe_comparison(read_decision(decision)) == lines
    assert describe_comparison(read_decision({**decision, "left_out": 0})) == lines[:3]
    in_euros = describe_comparison(read_decision({**decision, "rows": 12_345, "champion_score": 23_456.7}), "€")
    assert in_euros[:2] == [
        "RMSE on 12,345 rows: this version €1, version 7 €23,460, the baseline €3",
        "gain over version 7, 95 % interval: €0.5 to €1.5",
    ]
    assert describe_comparison(read_decision({**decision, "rows": 0})) == []


def test_every_metric_has_a_name_for_people_and_is_a_plain_float():
    one = np.array([0.0, 1.0])
    scores = score_regression(one, one) | score_classification(one, one, np.eye(2))
    assert set(scores) == set(LABELS)
    assert {type(score) for score in scores.values()} == {float}
