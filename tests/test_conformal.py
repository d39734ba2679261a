import numpy as np
import pytest

from predictor.lifecycle.retraining import RetrainRequest, retrain_model
from predictor.metrics.losses import Predictions
from predictor.training.conformal import find_radius, measure_interval
from predictor.training.evaluation import HOLD_OUT, Evaluation


@pytest.mark.parametrize(
    ("rows", "rank"), [(9, 9), (10, 10), (18, 18), (19, 18), (20, 19), (39, 36), (99, 90), (100, 91), (999, 900)]
)
def test_the_radius_is_the_residual_of_the_right_rank(rows, rank):
    residuals = np.random.default_rng(1).permutation(np.arange(1.0, rows + 1)) * np.resize([1, -1], rows)
    assert find_radius(residuals) == rank


@pytest.mark.parametrize("rows", [0, 1, 8])
def test_fewer_than_9_rows_give_no_interval(rows):
    assert find_radius(np.ones(rows)) is None
    assert measure_interval(make_evaluation(HOLD_OUT, rows)) is None


def test_nine_of_ten_new_rows_lie_inside_on_average():
    random = np.random.default_rng(3)
    covered = []
    for _ in range(2_000):
        radius = find_radius(random.standard_t(3, 39))
        covered.append(abs(random.standard_t(3, 50)) <= radius)
    # With 39 rows the rank is 36 of 40: exactly 90 %.
    assert np.mean(covered) == pytest.approx(0.9, abs=0.005)


def test_out_of_fold_residuals_are_called_approximate():
    assert measure_interval(make_evaluation("5-fold out-of-fold", 40)).approximate
    assert not measure_interval(make_evaluation(HOLD_OUT, 40)).approximate


def make_evaluation(method, rows):
    predictions = Predictions(predicted=np.zeros(rows))
    return Evaluation(
        method=method,
        rows=rows,
        scores={},
        baseline={},
        predictions=predictions,
        baseline_predictions=predictions,
        actual=np.arange(rows) + 1.0,
    )


def test_the_answer_comes_with_its_interval_on_the_page_and_in_the_history(client, line):
    page = client.post("/", {"x": "5"}, follow=True).content.decode()
    prediction = line.predictions.get()
    radius = line.interval["radius"]
    assert line.interval["rows"] == 39
    assert prediction.interval == pytest.approx([prediction.output - radius, prediction.output + radius])
    low, high = (f"{end:.1f}" for end in prediction.interval)
    assert f"90 % interval: <strong>{low} to {high}</strong>" in page
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


def test_an_interval_beside_a_warning_does_not_promise_as_much(client, line):
    page = client.post("/", {"x": "1e6"}, follow=True).content.decode()
    assert "This case is not similar: see the warning." in page


def test_a_classification_has_no_interval(client, penguins):
    assert penguins.interval is None
    fields = {"island": "Dream", "year": "2008", "bill_length_mm": "45", "bill_depth_mm": "17"}
    page = client.post("/penguins/", fields, follow=True).content.decode()
    assert penguins.predictions.get().interval is None
    assert "90 % interval" not in page


def test_few_rows_give_an_answer_without_an_interval(client, models_dir, db):
    (models_dir / "line/data.csv").write_text("x,y\n" + "".join(f"{x},{2 * x}\n" for x in range(25)))
    retrain_model(models_dir, RetrainRequest(slug="line", by="tests"), lambda line: None)
    page = client.post("/", {"x": "5"}, follow=True)
    assert page.status_code == 200
    assert "90 % interval" not in page.content.decode()
