import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.lifecycle.candidate import add_report, describe_candidate
from predictor.lifecycle.judgement import judge_challenger
from predictor.lifecycle.retraining import RetrainRequest, retrain_model, train_model
from predictor.metrics.losses import Predictions
from predictor.models import Version
from predictor.registry import versions as registry
from predictor.training.tolerance import TOLERANCE, find_tolerance


@pytest.mark.parametrize(
    ("target", "tolerance"),
    [
        ([0.0, 2.0], 1e-6),
        ([0.0, 2e9], 1e3),
        ([1e12, 1e12 + 2e-3], 8 * np.spacing(1e12)),
        ([5.0, 5.0], 8 * np.spacing(5)),
    ],
)
def test_numbers_are_compared_by_the_spread_of_the_target_and_never_below_their_own_rounding(target, tolerance):
    assert find_tolerance(np.array(target), "regression") == pytest.approx(tolerance)


def test_probabilities_are_compared_by_a_millionth():
    assert find_tolerance(np.array([0.0, 1.0, 2.0]), "classification") == TOLERANCE


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(-0.99, 0.99))
def test_numbers_up_to_the_tolerance_are_the_same_and_beyond_it_are_not(numbers, share):
    ours = np.array(numbers)
    assert Predictions(predicted=ours).equals(Predictions(predicted=ours + share * 1e-3), 1e-3)
    assert not Predictions(predicted=ours).equals(Predictions(predicted=ours + 1.01e-3), 1e-3)


@pytest.mark.parametrize(
    ("ours", "theirs", "is_same"),
    [
        ([[0.9, 0.1]], [[0.9, 0.1]], True),
        ([[0.9, 0.1]], [[0.9 - 1e-9, 0.1 + 1e-9]], True),
        ([[0.9, 0.1]], [[0.9 - 1e-3, 0.1 + 1e-3]], False),
        ([[0.5 + 1e-9, 0.5 - 1e-9]], [[0.5 - 1e-9, 0.5 + 1e-9]], True),
        ([[0.4, 0.4 - 1e-9, 0.2]], [[0.4 - 1e-9, 0.4, 0.2]], True),
        ([[0.9, 0.1]], [[0.9, 0.1, 0.0]], False),
    ],
)
def test_classes_are_the_same_unless_their_probabilities_tie(ours, theirs, is_same):
    one, two = (
        Predictions(predicted=np.argmax(each, axis=1).astype(float), probabilities=np.array(each))
        for each in (ours, theirs)
    )
    assert one.equals(two, TOLERANCE) == two.equals(one, TOLERANCE) == is_same


def test_another_class_without_a_tie_is_another_answer():
    shares = np.array([[0.9, 0.1]])
    one, two = (Predictions(predicted=np.array([code]), probabilities=shares) for code in (0.0, 1.0))
    assert not one.equals(two, TOLERANCE)
    assert not Predictions(predicted=np.array([0.0])).equals(Predictions(predicted=np.array([1.0])), TOLERANCE)
    assert not one.equals(Predictions(predicted=np.array([0.0])), TOLERANCE)


def test_what_is_not_a_number_is_never_the_same():
    missing = Predictions(predicted=np.array([np.nan]))
    assert not missing.equals(missing, TOLERANCE)


@pytest.mark.parametrize(("factor", "is_same"), [(1 + 1e-14, True), (1 - 1e-11, True), (1 + 1e-3, False)])
def test_a_retrain_whose_answers_differ_by_rounding_registers_nothing(models_dir, db, factor, is_same):
    trained = train_model(models_dir, "line", progress=lambda line: None)
    trained.fitted.steps[-1][1].coef_ *= factor  # As if another CPU had added up in another order.
    candidate = add_report(trained, describe_candidate(trained))
    registry.register(candidate, judge_challenger(trained, None, "always"), by="tests")
    done = retrain_model(models_dir, RetrainRequest(slug="line", by="tests"), lambda line: None)
    assert (done.version is None) == is_same
    assert Version.objects.count() == (1 if is_same else 2)
