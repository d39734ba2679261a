import msgspec
import numpy as np
import pytest

from predictor.estimators.compiled import CompiledModel
from predictor.exceptions import DamagedArtifact
from predictor.lifecycle.retraining import RetrainRequest, retrain_model, train_model
from predictor.metrics.losses import Predictions
from predictor.models import Version
from predictor.record.interval import ConstantInterval, LogInterval, ScaledInterval, read_interval
from predictor.serving.runtime import load_runtime
from predictor.training.conformal import measure_interval
from predictor.training.evaluation import HOLD_OUT, Evaluation
from predictor.training.quantile import find_quantile
from predictor.training.spread import Spread, fit_spread
from tests.earlier import store_as_before
from tests.recipes import use_estimator
from tests.training import keep_quiet


@pytest.mark.parametrize(
    ("rows", "rank"), [(9, 9), (10, 10), (18, 18), (19, 18), (20, 19), (39, 36), (99, 90), (100, 91), (999, 900)]
)
def test_the_radius_is_the_residual_of_the_right_rank(rows, rank):
    residuals = np.random.default_rng(1).permutation(np.arange(1.0, rows + 1)) * np.resize([1, -1], rows)
    assert find_quantile(np.abs(residuals)) == rank


@pytest.mark.parametrize("rows", [0, 1, 8])
def test_fewer_than_9_rows_give_no_interval(rows):
    assert find_quantile(np.ones(rows)) is None
    assert measure_interval(make_evaluation(HOLD_OUT, rows)) is None


def test_nine_of_ten_new_rows_lie_inside_on_average():
    random = np.random.default_rng(3)
    covered = []
    for _ in range(2_000):
        radius = find_quantile(np.abs(random.standard_t(3, 39)))
        covered.append(abs(random.standard_t(3, 50)) <= radius)
    # With 39 rows the rank is 36 of 40: exactly 90 %.
    assert np.mean(covered) == pytest.approx(0.9, abs=0.005)


def test_out_of_fold_residuals_are_called_approximate():
    assert measure_interval(make_evaluation("5-fold out-of-fold", 40)).approximate
    assert not measure_interval(make_evaluation(HOLD_OUT, 40)).approximate


@pytest.fixture
def grown():
    """The true values and predictions of 4,000 rows whose residuals grow with the prediction."""
    random = np.random.default_rng(5)
    predicted = random.uniform(1, 100, 4_000)
    return predicted * np.exp(random.normal(0, 0.3, 4_000)), predicted


def test_a_width_that_follows_the_prediction_is_found_where_residuals_grow_with_it(grown):
    actual, predicted = grown
    fit = fit_spread(actual, predicted)
    assert fit.spread.power >= 0.75
    assert 0.1 < fit.gain < 0.5


def test_no_width_is_found_where_residuals_do_not_grow():
    random = np.random.default_rng(5)
    predicted = random.uniform(1, 100, 4_000)
    assert fit_spread(predicted + random.normal(0, 5, 4_000), predicted).gain < 0.01


@pytest.mark.parametrize("predicted", [np.zeros(40), np.full(40, 1e308), np.arange(5.0)])
def test_a_width_that_cannot_be_fitted_is_constant(predicted):
    assert fit_spread(-predicted, predicted).spread is None


@pytest.mark.parametrize("keys", [{}, {"transform": "log"}, {"spread": Spread(floor=2.0, power=1.0)}])
def test_the_ends_of_many_intervals_are_those_of_each_to_the_bit(grown, keys):
    actual, predicted = grown
    interval = measure_interval(make_evaluation(HOLD_OUT, 2_000, actual[:2_000], predicted[:2_000]), **keys)
    numbers = np.array([*predicted[2_000:], 0.0, -0.0, -3.0, 1e308, -1e308, np.nan])
    limits = (0.0, float(np.median(predicted)))
    ends = np.column_stack(interval.place_around_all(numbers, *limits))
    expected = [interval.place_around(each, *limits) or (np.nan, np.nan) for each in numbers.tolist()]
    assert ends.tobytes() == np.array(expected).tobytes()


@pytest.mark.parametrize("keys", [{}, {"transform": "log"}, {"spread": Spread(floor=2.0, power=0.7)}])
def test_every_kind_of_interval_contains_nine_of_ten_new_rows(grown, keys):
    actual, predicted = grown
    interval = measure_interval(make_evaluation(HOLD_OUT, 2_000, actual[:2_000], predicted[:2_000]), **keys)
    interval = read_interval(msgspec.to_builtins(interval))
    ends = [interval.place_around(each) for each in predicted[2_000:].tolist()]
    covered = [low <= each <= high for each, (low, high) in zip(actual[2_000:], ends, strict=True)]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.02)


def test_an_interval_on_the_logarithmic_scale_is_never_below_0(grown):
    interval = measure_interval(make_evaluation(HOLD_OUT, 4_000, *grown), transform="log")
    low, high = interval.place_around(0.001)
    assert 0 < low < 0.001 < high
    assert low * high == pytest.approx(0.001**2)


@pytest.mark.parametrize(
    "interval",
    [
        ConstantInterval(radius=1e308, rows=9, approximate=False),
        ScaledInterval(quantile=10, floor=1, power=1, rows=9, approximate=False),
        LogInterval(log_radius=700, rows=9, approximate=False),
    ],
)
def test_an_interval_whose_ends_are_not_finite_is_none(interval):
    assert interval.place_around(1e308) is None


def test_a_prediction_that_underflows_on_the_logarithmic_scale_gives_no_interval():
    evaluation = make_evaluation(HOLD_OUT, 9, np.ones(9), np.zeros(9))
    assert measure_interval(evaluation, transform="log") is None


def test_the_limits_of_all_outputs_limit_an_interval():
    interval = ConstantInterval(radius=5, rows=9, approximate=False)
    assert interval.place_around(1, minimum=0) == (0, 6)
    assert interval.place_around(1, maximum=2) == (-4, 2)


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ({"kind": "quantile", "radius": 1.0, "rows": 9, "approximate": False}, "does not know the kind 'quantile'"),
        ({"kind": ["log"], "radius": 1.0, "rows": 9, "approximate": False}, "does not know the kind"),
        ({"kind": "log", "log_radius": 701.0, "rows": 9, "approximate": False}, "<= 700"),
        ({"kind": "scaled", "quantile": 1.0, "floor": 0, "power": 1, "rows": 9, "approximate": False}, "> 0"),
        ({"kind": "log", "radius": 1.0, "rows": 9, "approximate": False}, "log_radius"),
    ],
)
def test_an_interval_of_an_unknown_kind_or_with_impossible_numbers_is_refused(stored, says):
    with pytest.raises(ValueError, match=says):
        read_interval(stored)


def test_a_former_build_refuses_an_interval_that_it_does_not_know():
    # Its struct ignores fields that it does not know, and requires a radius.
    for interval in (
        ScaledInterval(quantile=1, floor=1, power=1, rows=9, approximate=False),
        LogInterval(log_radius=1, rows=9, approximate=False),
    ):
        with pytest.raises(msgspec.ValidationError, match="missing required field `radius`"):
            msgspec.convert(msgspec.to_builtins(interval), FormerInterval)


class FormerInterval(msgspec.Struct, frozen=True, kw_only=True):
    """As the former build reads what is signed."""

    radius: float
    rows: int
    approximate: bool
    coverage: float = 0.9
    method: str = ""


def test_a_constant_interval_is_stored_as_the_former_build_stores_it():
    stored = {"radius": 1.5, "rows": 39, "approximate": False, "coverage": 0.9, "method": "hold-out"}
    assert msgspec.to_builtins(msgspec.convert(stored, FormerInterval)) == stored
    assert msgspec.to_builtins(read_interval(stored)) == stored


def make_evaluation(method, rows, actual=None, predicted=None):
    predictions = Predictions(predicted=np.zeros(rows) if predicted is None else predicted)
    return Evaluation(
        method=method,
        rows=rows,
        scores={},
        baseline={},
        predictions=predictions,
        baseline_predictions=predictions,
        actual=np.arange(rows) + 1.0 if actual is None else actual,
    )


def test_the_answer_comes_with_its_interval_on_the_page_and_in_the_history(client, line):
    page = client.post("/", {"x": "5"}, follow=True).content.decode()
    prediction = line.predictions.get()
    radius = line.interval["radius"]
    assert line.interval["rows"] == 39
    assert prediction.interval == pytest.approx([prediction.output - radius, prediction.output + radius])
    low, high = (f"{end:.1f}" for end in prediction.interval)
    assert f"probably <strong>{low} to {high}</strong>" in page
    assert "For 9 in 10 similar cases the true value lies in this range" in page
    assert "(checked on 39 rows that the model was not trained on)" in page
    assert "This case is not similar" not in page


def test_with_nothing_held_out_the_interval_is_said_to_be_approximate(client, models_dir, db):
    recipe = models_dir / "line/model.toml"
    recipe.write_text("holdout = 0\n" + recipe.read_text())
    retrain_model(models_dir, RetrainRequest(slug="line", by="tests"), lambda line: None)
    page = client.post("/", {"x": "5"}, follow=True).content.decode()
    assert "For about 9 in 10 similar cases the true value lies in this range" in page
    assert "(checked on 200 rows by cross-validation)" in page


@pytest.fixture
def growing(models_dir):
    """Give the line's recipe a table whose target grows exponentially with relative noise, and the given lines."""
    random = np.random.default_rng(2)
    xs = np.linspace(0, 10, 400).round(3)
    ys = np.exp(xs + random.normal(0, 0.4, 400))
    (models_dir / "line/data.csv").write_text("x,y\n" + "".join(f"{x},{y:.6g}\n" for x, y in zip(xs, ys, strict=True)))
    recipe = models_dir / "line/model.toml"

    def write(lines):
        recipe.write_text(lines + (models_dir.parent / "kept.toml").read_text())

    (models_dir.parent / "kept.toml").write_text(recipe.read_text())
    return write


def retrain(models_dir):
    return retrain_model(models_dir, RetrainRequest(slug="line", by="tests"), lambda line, **counts: None)


@pytest.mark.parametrize("x", ["0", "5", "10"])
def test_with_a_logarithm_of_the_target_neither_answer_nor_interval_is_below_0(client, models_dir, db, growing, x):
    growing('target_transform = "log"\n')
    retrain(models_dir)
    page = client.post("/", {"x": x}, follow=True)
    version = Version.objects.find_live("line")
    prediction = version.predictions.get()
    low, high = prediction.interval
    assert 0 < low < prediction.output < high
    # The errors are in the target's own unit, the bounds are the same on both sides on the logarithmic scale.
    assert prediction.output / low == pytest.approx(high / prediction.output)
    assert high / low == pytest.approx(np.exp(2 * version.interval["log_radius"]))
    assert 0.4 < version.interval["log_radius"] < 0.9
    assert version.metrics["scores"]["rmse"] > 100
    assert "probably <strong>" in page.content.decode()
    assert isinstance(load_runtime(version).estimator, CompiledModel)


def test_a_scaled_interval_is_as_wide_as_the_answer_is_large(models_dir, db, growing):
    growing('interval = "scaled"\n')
    use_estimator(models_dir, "sklearn.ensemble.HistGradientBoostingRegressor")
    retrain(models_dir)
    runtime = load_runtime(Version.objects.find_live("line"))
    assert isinstance(runtime.interval, ScaledInterval)
    small, large = runtime.predict(np.array([[1.0], [9.9]]))
    assert small.interval[1] - small.interval[0] < (large.interval[1] - large.interval[0]) / 20


def test_the_held_out_rows_do_not_decide_how_the_width_follows_the_answer(models_dir, growing):
    growing('interval = "scaled"\n')
    use_estimator(models_dir, "sklearn.ensemble.HistGradientBoostingRegressor")
    first = train_model(models_dir, "line", progress=keep_quiet)
    table = models_dir / "line/data.csv"
    header, *rows = table.read_text().splitlines()
    held_out = first.dataset.held_out
    moved = [f"{row.partition(',')[0]},1" if side else row for row, side in zip(rows, held_out, strict=True)]
    table.write_text("\n".join([header, *moved, ""]))
    second = train_model(models_dir, "line", progress=keep_quiet)
    assert first.spread == second.spread
    assert first.evaluation.scores != second.evaluation.scores


def test_another_kind_of_interval_is_a_new_version_although_the_answers_are_the_same(models_dir, db, growing):
    use_estimator(models_dir, "sklearn.ensemble.HistGradientBoostingRegressor")
    (models_dir.parent / "kept.toml").write_text((models_dir / "line/model.toml").read_text())
    growing("")
    assert retrain(models_dir).version == 1
    assert retrain(models_dir).version is None
    growing('interval = "scaled"\n')
    assert retrain(models_dir).version == 2


@pytest.mark.parametrize(
    "interval",
    [{"kind": "log", "log_radius": 1.0}, {"kind": "scaled", "quantile": 1.0, "floor": 1.0, "power": 1.0}],
)
def test_an_interval_that_does_not_fit_its_kind_is_damage_also_where_it_is_signed(line, interval):
    store_as_before(line)
    line.interval = {**interval, "rows": 39, "approximate": False}
    assert load_runtime(line).interval.place_around(10.0)
    line.interval = {**line.interval, "kind": "tomorrow's"}
    with pytest.raises(DamagedArtifact, match="this build does not know the kind"):
        load_runtime(line)


def test_an_interval_beside_a_warning_does_not_promise_as_much(client, line):
    page = client.post("/", {"x": "1e6"}, follow=True).content.decode()
    assert "This case is not similar: see the warning." in page


def test_a_classification_has_no_interval(client, penguins):
    assert penguins.interval is None
    fields = {"island": "Dream", "year": "2008", "bill_length_mm": "45", "bill_depth_mm": "17"}
    page = client.post("/penguins/", fields, follow=True).content.decode()
    assert penguins.predictions.get().interval is None
    assert "probably <strong>" not in page


def test_few_rows_give_an_answer_without_an_interval(client, models_dir, db):
    (models_dir / "line/data.csv").write_text("x,y\n" + "".join(f"{x},{2 * x}\n" for x in range(25)))
    retrain_model(models_dir, RetrainRequest(slug="line", by="tests"), lambda line: None)
    page = client.post("/", {"x": "5"}, follow=True)
    assert page.status_code == 200
    assert "probably <strong>" not in page.content.decode()
