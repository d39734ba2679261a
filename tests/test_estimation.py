"""Estimated quality: how good predictions are expected to be, before any outcome says so."""

import time
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from predictor.lifecycle.retraining import train_model
from predictor.metrics.losses import Predictions
from predictor.models import Kept
from predictor.monitoring.estimation import estimate, expect_losses
from predictor.monitoring.watch import watch
from predictor.monitoring.window import Window
from predictor.record.estimate import Estimate
from predictor.record.loss_model import LOSS_MODEL, read_loss_model, write_loss_model
from predictor.record.written_estimate import write_estimate
from predictor.schema.kinds import make_feature
from predictor.schema.output import Output
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.training.evaluation import Evaluation
from predictor.training.loss_model import fit_loss_model, model_losses
from predictor.training.measured_losses import MeasuredLosses
from tests.past import make_predictions
from tests.training import keep_quiet, train

X = make_feature(name="x", kind="number", label="x")
COLOUR = make_feature(name="colour", kind="category", label="Colour", choices=tuple("abcdefghij"))
PRICE = Target(name="price", label="Price", task="regression")
KIND = Target(name="kind", label="Kind", task="classification", classes=("a", "b"))
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)


def measure(metric, matrix, predicted, losses, *, probabilities=None, held_out=None):
    rows = np.random.default_rng(1)
    return MeasuredLosses(
        metric=metric,
        matrix=matrix,
        predictions=Predictions(predicted=predicted, probabilities=probabilities),
        losses=losses,
        hashes=rows.integers(0, 2**64, len(losses), dtype=np.uint64),
        held_out=np.ones(len(losses), dtype=bool) if held_out is None else held_out,
    )


def look(matrix, predicted, probabilities=None, target=PRICE, features=(X,)):
    """A window of such predictions, without outcomes."""
    rows = len(predicted)
    return Window(
        schema=Schema(features=features, target=target),
        since=NOW,
        until=NOW,
        total=rows,
        classes=target.classes,
        versions=np.ones(rows, dtype=np.int64),
        created_at=np.full(rows, np.datetime64("2026-03-15", "ms")),
        sources=np.full(rows, "api"),
        features=matrix,
        fits=np.ones(rows, dtype=bool),
        outputs=predicted,
        probabilities=probabilities,
        outcomes=np.full(rows, np.nan),
    )


def draw_classes(rows, seed, *, most=1.0):
    """Inputs from 0 to `most`, and classes of which a calibrated model is more certain for larger ones."""
    drawn = np.random.default_rng(seed)
    x = drawn.uniform(0, most, rows)
    certain = 0.5 + x / 2
    predicted = drawn.integers(0, 2, rows).astype(np.float64)
    probabilities = np.where(predicted[:, None] == [0, 1], certain[:, None], 1 - certain[:, None])
    return x[:, None], predicted, probabilities, (drawn.uniform(size=rows) > certain).astype(np.float64)


@cache
def keep_classes():
    matrix, predicted, probabilities, losses = draw_classes(20_000, 0)
    measured = measure("accuracy", matrix, predicted, losses, probabilities=probabilities)
    return model_losses(Schema(features=(X,), target=KIND), measured)


def draw_numbers(rows, seed, *, low=0.0):
    """Inputs from `low` to 1, and errors that grow with them: |y − ŷ| has the mean 0.8 (0.5 + 2 x)."""
    drawn = np.random.default_rng(seed)
    x = drawn.uniform(low, 1, rows)
    return x[:, None], 3 * x, np.abs(drawn.normal(size=rows)) * (0.5 + 2 * x)


@cache
def keep_numbers():
    matrix, predicted, losses = draw_numbers(10_000, 0)
    return model_losses(Schema(features=(X,), target=PRICE), measure("mae", matrix, predicted, losses))


@pytest.mark.parametrize("most", [1.0, 0.6, 0.4])
def test_the_accuracy_of_calibrated_classes_is_met_also_where_inputs_have_shifted(most):
    matrix, predicted, probabilities, _ = draw_classes(5_000, 2, most=most)
    found = estimate(keep_classes(), look(matrix, predicted, probabilities, target=KIND))
    expected = 0.5 + most / 4
    assert found.value == pytest.approx(expected, abs=0.015)
    assert found.lower < expected < found.upper
    assert (found.metric, found.rows, found.reason) == ("accuracy", 5_000, None)
    assert found.state == ("well" if most == 1 else "alarm")
    assert found.promised == pytest.approx(0.75, abs=0.01)


def test_probabilities_that_are_too_certain_are_calibrated_first():
    matrix, predicted, probabilities, losses = draw_classes(10_000, 0)
    bold = probabilities**4 / (probabilities**4).sum(axis=1, keepdims=True)
    schema = Schema(features=(X,), target=KIND)
    kept = model_losses(schema, measure("accuracy", np.zeros_like(matrix), predicted, losses, probabilities=bold))
    matrix, predicted, probabilities, _ = draw_classes(5_000, 2, most=0.5)
    bold = probabilities**4 / (probabilities**4).sum(axis=1, keepdims=True)
    found = estimate(kept, look(np.zeros_like(matrix), predicted, bold, target=KIND))
    assert found.value == pytest.approx(0.625, abs=0.015)


@pytest.mark.parametrize("low", [0.0, 0.5, 0.8])
def test_the_mae_of_a_regression_is_met_also_where_inputs_have_shifted(low):
    matrix, predicted, losses = draw_numbers(5_000, 2, low=low)
    found = estimate(keep_numbers(), look(matrix, predicted))
    expected = np.sqrt(2 / np.pi) * (0.5 + 2 * (low + 1) / 2)
    assert found.value == pytest.approx(expected, rel=0.05)
    assert found.lower < losses.mean() < found.upper
    assert found.state == ("alarm" if low > 0 else "well")


def test_the_interval_contains_what_outcomes_show_in_nearly_all_windows():
    kept, met = keep_numbers(), 0
    for seed in range(40):
        matrix, predicted, losses = draw_numbers(500, seed + 10, low=0.3)
        found = estimate(kept, look(matrix, predicted))
        met += found.lower <= losses.mean() <= found.upper
    assert met >= 35


def test_models_of_fewer_rows_out_of_fold_do_not_make_the_version_look_worse():
    matrix, predicted, losses = draw_numbers(10_000, 0)
    held_out = np.arange(10_000) < 2_000
    schema, window = Schema(features=(X,), target=PRICE), look(matrix[:5_000], predicted[:5_000])
    fewer = measure("mae", matrix, predicted, np.where(held_out, losses, 1.5 * losses), held_out=held_out)
    assert estimate(model_losses(schema, fewer), window).value == pytest.approx(losses.mean(), rel=0.05)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_errors_of_any_size_can_be_estimated(scale):
    matrix, predicted, losses = draw_numbers(2_000, 0)
    schema = Schema(features=(X,), target=PRICE)
    kept = model_losses(schema, measure("mae", matrix, predicted * scale, losses * scale))
    found = estimate(kept, look(matrix, predicted * scale))
    assert found.value == pytest.approx(losses.mean() * scale, rel=0.05)
    assert found.lower < losses.mean() * scale < found.upper


def test_the_kept_trees_add_up_as_scikit_learn_has_them(monkeypatch):
    drawn = np.random.default_rng(0)
    matrix = np.column_stack([drawn.normal(size=3_000), drawn.integers(0, 10, 3_000).astype(np.float64)])
    matrix[drawn.uniform(size=matrix.shape) < 0.1] = np.nan
    losses = np.nan_to_num(matrix[:, 0] ** 2, nan=3.0) + np.nan_to_num(matrix[:, 1], nan=20.0)
    fitted = []
    measured = measure("mae", matrix, np.zeros(3_000), losses)
    original = HistGradientBoostingRegressor.fit

    def remember(self, *arguments):
        fitted.append(original(self, *arguments))
        return fitted[-1]

    monkeypatch.setattr(HistGradientBoostingRegressor, "fit", remember)
    kept = model_losses(Schema(features=(X, COLOUR), target=PRICE), measured)
    matrix[:5, 1] = [np.nan, 77.0, -1.0, 9.0, 0.0]
    table = np.frombuffer(kept.codes[1], dtype="<f4").astype(np.float64)
    known = [table[int(code)] if 0 <= code < 10 else table[-1] for code in matrix[:, 1]]
    columns = np.column_stack([matrix[:, 0], known, np.zeros(3_000)])
    expected = [each.predict(columns) for each in fitted]
    got = expect_losses(kept, matrix, Predictions(predicted=np.zeros(3_000)))
    # Folds are fitted in any order.
    np.testing.assert_allclose(np.sort(got, axis=0), np.sort(expected, axis=0) * losses.mean(), rtol=1e-5)


def test_it_is_kept_as_plain_data_of_less_than_100_kilobytes():
    kept = keep_classes()
    stored = write_loss_model(kept)
    assert read_loss_model(stored) == kept
    assert len(stored) < 100_000
    assert type(msgspec.msgpack.decode(stored)) is dict


def test_too_few_predictions_and_versions_from_before_are_reasons_to_say_nothing():
    matrix, predicted, probabilities, _ = draw_classes(99, 2)
    window = look(matrix, predicted, probabilities, target=KIND)
    few = estimate(keep_classes(), window)
    assert (few.value, few.rows, few.reason, few.state) == (None, 99, "few rows", "cannot say")
    assert estimate(None, window) == Estimate(rows=99, reason="nothing kept")


def test_inputs_that_training_did_not_have_are_a_reason_to_say_nothing():
    kept = keep_numbers()
    matrix, predicted, _ = draw_numbers(1_000, 2)
    matrix[:250] += 5
    found = estimate(kept, look(matrix, predicted))
    assert (found.value, found.reason) == (None, "unlike training")
    assert found.outside == pytest.approx(0.25, abs=0.01)
    matrix[:250] -= 5
    matrix[:100] = np.nan
    assert estimate(kept, look(matrix, predicted)).outside == pytest.approx(0.1, abs=0.01)


def test_categories_that_training_did_not_have_are_recognised_and_later_dates_are_not():
    drawn = np.random.default_rng(0)
    day = make_feature(name="day", kind="date", label="Day")
    matrix = np.column_stack([drawn.integers(0, 4, 2_000), drawn.integers(0, 100, 2_000)]).astype(np.float64)
    losses = drawn.exponential(size=2_000)
    schema = Schema(features=(COLOUR, day), target=PRICE)
    support = model_losses(schema, measure("mae", matrix, np.zeros(2_000), losses)).support
    rows = np.array([[0, 5], [3, 1_000_000], [4, 5], [9, 5], [77, 5], [np.nan, 5]], dtype=np.float64)
    assert support.find_outside(rows).tolist() == [False, False, True, True, True, True]


def test_of_a_category_of_few_rows_no_loss_is_kept():
    matrix = np.repeat([0.0, 1.0, 2.0], [1_000, 19, 1_000])[:, None]
    losses = np.repeat([1.0, 100.0, 2.0], [1_000, 19, 1_000])
    kept = model_losses(Schema(features=(COLOUR,), target=PRICE), measure("mae", matrix, np.zeros(2_019), losses))
    table = np.frombuffer(kept.codes[0], dtype="<f4") * losses.mean()
    assert table[1] == pytest.approx(losses.mean())
    assert table[0] < table[2] < table[1]


def test_an_alarm_that_is_on_ends_at_half_of_the_change_that_starts_one():
    states = []
    for low in (0.0, 0.11, 0.3):
        matrix, predicted, _ = draw_numbers(20_000, 2, low=low)
        window = look(matrix, predicted)
        states.append(tuple(estimate(keep_numbers(), window, is_alarmed=each).state for each in (False, True)))
    assert states == [("well", "well"), ("well", "alarm"), ("alarm", "alarm")]


def test_an_imprecise_model_of_the_loss_says_nothing():
    matrix, predicted, losses = draw_numbers(600, 0)
    schema = Schema(features=(X,), target=PRICE)
    losses[::60] *= 100
    kept = model_losses(schema, measure("mae", matrix, predicted, losses))
    assert estimate(kept, look(matrix, predicted)).reason == "imprecise"


@pytest.mark.parametrize(("wrong", "expected"), [(0, 1.0), (5, 0.995)])
def test_a_model_that_was_hardly_ever_wrong_is_expected_to_stay_so(wrong, expected):
    matrix, predicted, probabilities, _ = draw_classes(1_000, 0)
    losses = np.zeros(1_000)
    losses[:wrong] = 1
    measured = measure("accuracy", matrix, predicted, losses, probabilities=probabilities)
    found = estimate(
        model_losses(Schema(features=(X,), target=KIND), measured), look(matrix, predicted, probabilities, target=KIND)
    )
    assert found.value == pytest.approx(expected, abs=0.002)
    assert found.upper <= 1


@pytest.mark.parametrize("wrong", [0, 15])
def test_a_regression_with_hardly_any_error_is_expected_to_stay_so(wrong):
    matrix, predicted, _ = draw_numbers(1_000, 0)
    losses = (np.arange(1_000) < wrong) * 2.0
    kept = model_losses(Schema(features=(X,), target=PRICE), measure("mae", matrix, predicted, losses))
    assert expect_losses(kept, matrix, Predictions(predicted=predicted)).mean() == pytest.approx(
        losses.mean(), rel=0.01
    )
    found = estimate(kept, look(matrix, predicted))
    assert found.value == pytest.approx(0) if not wrong else found.reason == "imprecise"


def test_a_target_of_one_class_without_probabilities_can_be_estimated():
    target = Target(name="kind", label="Kind", task="classification", classes=("a",))
    matrix, zeros = np.zeros((600, 1)), np.zeros(600)
    kept = model_losses(Schema(features=(X,), target=target), measure("accuracy", matrix, zeros, zeros))
    found = estimate(kept, look(matrix, zeros, np.ones((600, 1)), target=target))
    assert found.value > 0.99


@pytest.mark.parametrize(
    ("method", "rows"), [("hold-out", 499), ("sample, may have been trained on", 5_000), ("hold-out", 10_000)]
)
def test_nothing_is_kept_of_few_or_equal_rows_or_of_those_that_the_model_may_have_been_trained_on(method, rows):
    matrix, predicted, _ = draw_numbers(rows, 0)
    held_out = np.ones(rows, dtype=bool)
    dataset = SimpleNamespace(
        schema=Schema(features=(X,), target=PRICE),
        matrix=matrix,
        target=predicted,
        held_out=held_out,
        training=~held_out,
        hashes=np.zeros(rows, dtype=np.uint64),
    )
    evaluation = Evaluation(
        method=method,
        rows=rows,
        scores={},
        baseline={},
        predictions=Predictions(predicted=predicted),
        baseline_predictions=Predictions(predicted=predicted),
        actual=predicted,
    )
    assert fit_loss_model(DummyRegressor(), dataset, evaluation, fit_seconds=0.0) is None


def write_recipe(models_dir, rows=5_000, digits=6):
    drawn = np.random.default_rng(0)
    x = drawn.uniform(0, 1, rows).round(digits)
    y = 3 * x + drawn.normal(size=rows) * (0.5 + 2 * x)
    folder = models_dir / "prices"
    folder.mkdir()
    np.savetxt(folder / "data.csv", np.column_stack([x, y]), delimiter=",", header="x,y", comments="", fmt="%.6f")
    lines = ['title = "Prices"', 'data = "data.csv"', 'target = "y"', "[estimator]"]
    lines.append('class = "sklearn.linear_model.LinearRegression"')
    (folder / "model.toml").write_text("\n".join(lines), encoding="utf-8")


def test_monitoring_estimates_the_live_version_from_what_it_keeps(models_dir, db):
    write_recipe(models_dir)
    version = train(models_dir, "prices")
    rows = [({"x": float(x)}, 3 * float(x)) for x in np.random.default_rng(1).uniform(0.7, 1, 200)]
    make_predictions(version, NOW - timedelta(hours=1), rows)
    found = watch("prices", timedelta(days=7), NOW).estimate
    assert found.value == pytest.approx(np.sqrt(2 / np.pi) * 2.2, rel=0.15)
    assert found.rows == 200
    assert found.state == "alarm"
    Kept.objects.filter(name=LOSS_MODEL).delete()
    assert watch("prices", timedelta(days=7), NOW).estimate.reason == "nothing kept"


def test_of_many_held_out_rows_some_are_taken_and_the_promise_is_that_of_all(monkeypatch, models_dir):
    write_recipe(models_dir)
    monkeypatch.setattr("predictor.training.measured_losses.MOST_CELLS", 600)
    trained = train_model(models_dir, "prices", progress=keep_quiet)
    assert trained.loss_model.rows == 1_200
    assert trained.loss_model.promised == trained.evaluation.scores["mae"]


def test_a_table_of_few_different_rows_is_trained_on(models_dir):
    write_recipe(models_dir, digits=1)
    trained = train_model(models_dir, "prices", progress=keep_quiet)
    assert trained.loss_model.rows == 5_000


def test_a_busy_machine_fits_the_same_model_of_the_loss(monkeypatch, models_dir):
    """A fit may wait for as long as it likes: only its processor time is limited."""
    write_recipe(models_dir)
    monkeypatch.setattr("predictor.training.measured_losses.MOST_SECONDS", 0.25)
    fit = LinearRegression.fit

    def fit_late(*arguments, **how):
        time.sleep(0.3)
        return fit(*arguments, **how)

    monkeypatch.setattr(LinearRegression, "fit", fit_late)
    assert train_model(models_dir, "prices", progress=keep_quiet).loss_model.rows == 5_000


def test_rows_of_training_are_measured_by_models_that_did_not_see_them(models_dir):
    write_recipe(models_dir)
    trained = train_model(models_dir, "prices", progress=keep_quiet)
    assert trained.loss_model.rows == 5_000
    assert trained.loss_model.promised == pytest.approx(trained.evaluation.scores["mae"])


@pytest.mark.parametrize(
    ("estimate", "sentence"),
    [
        (
            Estimate(rows=20_000, metric="mae", value=2.5, lower=2.25, upper=2.75, promised=2.0),
            "Estimated, without outcomes: MAE 2,500 m (2,250 to 2,750 m) on 20,000 predictions of version 3;"
            " 2,000 m was promised.",
        ),
        (
            Estimate(rows=20_000, metric="accuracy", value=0.81234, lower=0.8, upper=0.83, promised=0.9),
            "Estimated, without outcomes: accuracy 0.8123 (0.8 to 0.83) on 20,000 predictions of version 3;"
            " 0.9 was promised.",
        ),
        (
            Estimate(rows=300, metric="mae", value=3.0, lower=2.5, upper=3.5, promised=2.0, state="alarm"),
            "Estimated, without outcomes: worse than promised, MAE 3,000 m (2,500 to 3,500 m) on 300 predictions of"
            " version 3; 2,000 m was promised.",
        ),
        (
            Estimate(rows=40, metric="mae", reason="few rows"),
            "Without outcomes, nothing can be estimated yet: 100 predictions of version 3 are needed (so far: 40).",
        ),
        (
            Estimate(rows=20_000, metric="mae", reason="unlike training", outside=0.5),
            "Without outcomes, nothing can be estimated: 50.0 % of 20,000 predictions have inputs that version 3 was"
            " not trained on.",
        ),
        (
            Estimate(rows=20_000, metric="mae", reason="imprecise"),
            "Without outcomes, nothing can be estimated: too few of the rows that version 3 was measured on are like"
            " the 20,000 predictions.",
        ),
        (
            Estimate(rows=20_000, reason="nothing kept"),
            "Without outcomes, nothing can be estimated: version 3 was imported, trained by an earlier build, or"
            " measured on too few rows. Retrain it, on 500 rows or more.",
        ),
    ],
)
def test_an_estimate_is_written_in_the_unit_that_people_see_or_with_the_reason_for_none(estimate, sentence):
    target = Target(name="d", label="D", task="regression", output=Output(scale=1_000, unit="m"))
    assert write_estimate(estimate, 3, target).replace("\N{NO-BREAK SPACE}", " ") == sentence


def test_sensitive_inputs_that_predictions_do_not_have_are_not_asked_for():
    hidden = make_feature(name="x", kind="number", label="x", sensitive="drop")
    matrix, predicted, losses = draw_numbers(5_000, 0)
    kept = model_losses(Schema(features=(hidden,), target=PRICE), measure("mae", matrix, predicted, losses))
    asked = kept.trees.read("columns")[kept.trees.read("thresholds") != 0]
    assert set(asked.tolist()) == {1}
    assert np.isinf(np.frombuffer(kept.support.lows)).all()
    found = estimate(kept, look(np.full_like(matrix, np.nan), predicted, features=(hidden,)))
    assert found.value == pytest.approx(losses.mean(), rel=0.05)
