import pytest

from predictor.record.measurement import Measurement
from predictor.record.verdict import judge_measurement
from predictor.schema.output import Output
from predictor.schema.target import Target

PRICE = Target(name="price", label="Price", task="regression", unit="$")
BIRD = Target(name="bird", label="Bird", task="classification", classes=("a", "b"))


def measure(own, baseline, interval=None, method="hold-out", **more):
    name = "mae" if own > 1 else "accuracy"
    return Measurement(
        method=method,
        rows=410,
        scores={name: own} | {key: pair[0] for key, pair in more.items()},
        baseline={name: baseline} | {key: pair[1] for key, pair in more.items()},
        intervals={name: interval} if interval else {},
    )


@pytest.mark.parametrize(
    ("target", "measured", "worth", "sentence"),
    [
        (PRICE, measure(18_812, 57_499), "better", "off by $18,800; always guessing the average is off by $57,500."),
        (PRICE, measure(55_000, 57_499), "hardly better", "off by $55,000, hardly better than always guessing"),
        (PRICE, measure(40_000, 57_499, (20_000, 60_000)), "hardly better", "hardly better"),
        (PRICE, measure(1_234_567, 999_999), "worse", "off by $1,230,000, worse than always guessing the average"),
        (BIRD, measure(0.971, 0.435), "better", "Right in 97.1\u00a0% of cases; always guessing the most"),
        (BIRD, measure(0.96, 0.957), "hardly better", "hardly better than always guessing the most frequent class"),
        (BIRD, measure(0.9, 0.95), "worse", "worse than always guessing the most frequent class, which is right in"),
    ],
)  # fmt: skip
def test_a_verdict_names_the_typical_error_and_what_always_guessing_gives(target, measured, worth, sentence):
    verdict = judge_measurement(measured, target)
    assert verdict.worth == worth
    assert sentence in str(verdict.sentence)
    assert str(verdict.basis) == "Measured on 410 rows that it was not trained on."


def test_better_probabilities_are_said_where_the_answers_are_hardly_better():
    verdict = judge_measurement(measure(0.96, 0.957, log_loss=(0.08, 0.2)), BIRD)
    assert "their log loss is 0.08, and that of the baseline 0.2." in str(verdict)
    assert judge_measurement(measure(0.96, 0.957, log_loss=(0.2, 0.2)), BIRD).remark is None
    assert judge_measurement(measure(0.99, 0.5, log_loss=(0.08, 0.2)), BIRD).remark is None


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("5-fold out-of-fold", "by cross-validation"),
        ("sample, may have been trained on", "on new ones it may be worse"),
    ],
)
def test_a_verdict_says_what_it_was_measured_on(method, said):
    assert said in str(judge_measurement(measure(18_812, 57_499, method=method), PRICE).basis)


def test_an_error_is_in_the_unit_that_people_see():
    target = Target(name="y", label="Y", task="regression", unit="$", output=Output(scale=0.001, unit="k$"))
    assert "off by 18.8\u00a0k$;" in str(judge_measurement(measure(18_812, 57_499), target))


def test_without_scores_there_is_no_verdict():
    assert judge_measurement(Measurement(), PRICE) is None
