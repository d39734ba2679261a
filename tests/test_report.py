import re
import subprocess
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from predictor.formats import format_number
from predictor.metrics.losses import Predictions
from predictor.metrics.scores import score_classification, score_regression
from predictor.record.drawing import DRAWING_WIDTH, measure_text
from predictor.record.report import SkippedImportances
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.training.columns import Column
from predictor.training.compiling.checked import compile_checked
from predictor.training.dataset import Dataset
from predictor.training.evaluation import HOLD_OUT, Evaluation, evaluate_model, fit_model
from predictor.training.holdout import hash_rows, is_held_out
from predictor.training.reports.figures import TICK_SIZE, draw_figures
from predictor.training.reports.importances import MOST_FEATURES, measure_importances
from predictor.training.reports.report import find_commit, make_report
from predictor.training.reports.score_intervals import MOST_DRAWN_ROWS, find_score_intervals

RANDOM = np.random.default_rng(0)


def make_dataset(matrix, target, classes=(), share=0.2):
    names = [f"x{i}" for i in range(matrix.shape[1])]
    hashes = hash_rows([Column(name=n, kind="number", values=v) for n, v in zip(names, matrix.T, strict=True)])
    task = "classification" if classes else "regression"
    return Dataset(
        schema=Schema(
            features=tuple(make_feature(name=name, kind="number", label=name.upper()) for name in names),
            target=Target(name="y", label="y", task=task, classes=classes),
        ),
        matrix=matrix,
        target=target.astype(float),
        hashes=hashes,
        held_out=is_held_out(hashes, share),
        left_out=0,
        notes=[],
        sha256="",
    )


MATRIX = RANDOM.normal(size=(150, 3))
SLOPE = make_dataset(MATRIX, 3 * MATRIX[:, 0] + RANDOM.normal(size=150) / 3)
HALVES = make_dataset(MATRIX, MATRIX[:, 0] > 0, ("low", "high"))


def fit(model, dataset):
    fitted = fit_model(model, dataset, dataset.training)
    return fitted, evaluate_model(model, fitted, dataset)


def report_on(model, dataset, metric, *, show_data=False):
    return make_report(*_arrange(model, dataset), metric, show_data=show_data, seed=0)


def _arrange(model, dataset):
    fitted, evaluation = fit(model, dataset)
    return fitted, dataset, evaluation


def name_figures(report):
    return [drawing.name for drawing in report.drawings]


def answer_regression(rows, method=HOLD_OUT, scale=1.0):
    actual = RANDOM.normal(size=rows) * scale
    return evaluate(score_regression, actual, actual + RANDOM.normal(size=rows) * scale, method)


def evaluate(score, actual, predicted, method=HOLD_OUT):
    return Evaluation(
        method=method,
        rows=len(actual),
        scores=score(actual, predicted),
        baseline={},
        predictions=Predictions(predicted=predicted),
        baseline_predictions=Predictions(predicted=0 * predicted),
        actual=actual,
    )


def answer_classes(rows, classes, has_probabilities=True):
    shares = RANDOM.dirichlet(np.ones(classes), size=rows)
    actual = (RANDOM.random((rows, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, classes - 1).astype(float)
    predictions = Predictions(
        predicted=shares.argmax(axis=1).astype(float), probabilities=shares if has_probabilities else None
    )
    scores = score_classification(actual, predictions.predicted, predictions.probabilities)
    return Evaluation(
        method=HOLD_OUT,
        rows=rows,
        scores=scores,
        baseline={},
        predictions=predictions,
        baseline_predictions=predictions,
        actual=actual,
    )


def draw(evaluation, classes=0, label="y", names=None, show_data=True):
    names = names or tuple(f"class {i}" for i in range(classes))
    target = Target(name="y", label=label, task="classification" if names else "regression", classes=names)
    return draw_figures(target, evaluation, show_data=show_data, seed=0)


# Figures


@pytest.mark.parametrize(
    ("model", "dataset", "metric", "names"),
    [
        (LinearRegression(), SLOPE, "rmse", ["predictions", "residuals"]),
        (LogisticRegression(), HALVES, "log_loss", ["confusion", "roc", "calibration"]),
        (LinearSVC(), HALVES, "accuracy", ["confusion"]),
    ],
    ids=["regression", "classification", "no probabilities"],
)
def test_each_task_has_its_figures(model, dataset, metric, names):
    assert name_figures(report_on(model, dataset, metric)) == names


def test_what_is_not_drawn_is_said_with_its_cause():
    assert report_on(LinearSVC(), HALVES, "accuracy").not_drawn == (
        "ROC curves: the estimator gives no probabilities",
        "Calibration: the estimator gives no probabilities",
    )


def test_a_figure_is_an_image_that_follows_light_and_dark():
    for drawing in (*draw(answer_regression(50)).drawings, *draw(answer_classes(60, 3), 3).drawings):
        root = ElementTree.fromstring(drawing.svg)  # noqa: S314  # We drew it.
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert float(root.get("width").removesuffix("pt")) == DRAWING_WIDTH
        assert "prefers-color-scheme:dark" in drawing.svg
        assert "var(--paper)" in drawing.svg
        assert "#000000" not in drawing.svg


@pytest.mark.parametrize("scale", [1.0, 1e4, 1e6, 1e9, 1e-6])
def test_figures_number_their_axes_as_pages_do_without_numbers_that_meet(scale):
    for drawing in draw(answer_regression(200, scale=scale)).drawings:
        root = ElementTree.fromstring(drawing.svg)  # noqa: S314  # We drew it.
        texts = {axis: read_ticks(root, axis) for axis in "xy"}
        assert all(texts.values())
        for text, _ in texts["x"] + texts["y"]:
            assert text == format_number(float(text.replace(",", "")))
        edges = [end for text, x in texts["x"] for end in place_ends(text, x)]
        assert edges == sorted(edges)
        assert all(0 <= end <= DRAWING_WIDTH for end in edges)
        assert min(x - measure_text(text, TICK_SIZE) for text, x in texts["y"]) > 2 * TICK_SIZE


def place_ends(text, x):
    return [x - measure_text(text, TICK_SIZE) / 2, x + measure_text(text, TICK_SIZE) / 2]


def read_ticks(root, axis):
    """The numbers at an axis with their places from the left, those of the x axis in their order."""
    found = []
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        if re.fullmatch(f"{axis}tick_\\d+", group.get("id", "")):
            [text] = group.iter("{http://www.w3.org/2000/svg}text")
            place = re.search(r"translate\(([\d.]+)|rotate\(-0 ([\d.]+)", text.get("transform") or "")
            found.append((text.text, float(text.get("x") or place.group(1) or place.group(2))))
    return sorted(found, key=lambda each: each[1])


def test_large_hold_outs_make_small_pictures():
    many = (*draw(answer_regression(20_000)).drawings, *draw(answer_classes(20_000, 10), 10).drawings)
    assert [drawing.name for drawing in many] == ["predictions", "residuals", "confusion", "roc", "calibration"]
    assert max(len(drawing.svg) for drawing in many) < 200_000


@pytest.mark.parametrize(("classes", "names"), [(11, ["confusion"]), (21, [])])
def test_more_classes_than_can_be_read_are_not_drawn(classes, names):
    drawn = draw(answer_classes(200, classes), classes)
    assert [drawing.name for drawing in drawn.drawings] == names
    assert len(drawn.left_out) == 3 - len(names)


def test_a_hold_out_of_one_class_has_no_curves():
    evaluation = answer_classes(50, 2)
    alike = Evaluation(**{**vars(evaluation), "actual": np.zeros(50)})
    drawn = draw(alike, 2)
    assert [drawing.name for drawing in drawn.drawings] == ["confusion"]
    assert drawn.left_out[0] == "ROC curves: the measured rows are all of one class"


def test_training_rows_are_drawn_only_where_the_recipe_shows_data():
    evaluation = answer_regression(50, method="5-fold out-of-fold")
    hidden = draw(evaluation, show_data=False)
    assert hidden.drawings == ()
    assert hidden.left_out[0].endswith(
        "its points would be training rows; hold some out, or set show_data = true in the recipe"
    )
    assert len(draw(evaluation, show_data=True).drawings) == 2


@pytest.mark.parametrize("label", ["cost in $ or $$ <b>&</b>", "年収 two\nlines\x01", "long" * 40])
def test_any_label_can_be_drawn(label):
    drawn = draw(answer_classes(20, 2), names=(label, "other"))
    for drawing in (*drawn.drawings, draw(answer_regression(9), label=label).drawings[0]):
        ElementTree.fromstring(drawing.svg)  # noqa: S314  # We drew it.
    assert drawn.left_out == ()


@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e150])
def test_odd_numbers_lose_no_retrain(scale):
    drawn = draw(answer_regression(20, scale=scale))
    assert len(drawn.drawings) + len(drawn.left_out) == 2


# Importances


@pytest.mark.parametrize(
    ("model", "dataset", "metric"),
    [
        (LinearRegression(), SLOPE, "rmse"),
        (LinearRegression(), SLOPE, "mae"),
        (LogisticRegression(), HALVES, "log_loss"),
        (LinearSVC(), HALVES, "accuracy"),
    ],
)
def test_the_column_that_tells_matters_and_noise_does_not(model, dataset, metric):
    fitted, _ = fit(model, dataset)
    found = measure_importances(fitted, dataset, metric, seed=0)
    means = {each.name: each.mean for each in found.features}
    assert means["x0"] > 0.2
    assert abs(means["x1"]) < means["x0"] / 5 > abs(means["x2"])
    assert (found.metric, found.held_out, found.rows) == (metric, True, dataset.held_out.sum())


def test_a_compiled_model_has_the_importances_of_its_estimator():
    fitted, _ = fit(RandomForestClassifier(10, random_state=0), HALVES)
    ours = measure_importances(fitted, HALVES, "log_loss", seed=0)
    theirs = measure_importances(compile_checked(fitted, HALVES).model, HALVES, "log_loss", seed=0)
    assert [each.mean for each in theirs.features] == pytest.approx([each.mean for each in ours.features])


def test_an_unused_column_has_exactly_no_importance():
    found = measure_importances(fit(DummyRegressor(), SLOPE)[0], SLOPE, "rmse", seed=0)
    assert {each.mean for each in found.features} == {0.0}


@pytest.mark.parametrize(("features", "rows"), [(1, 10_000), (5, 6_000)])
def test_importances_are_measured_on_at_most_10_000_rows_and_on_fewer_of_many_columns(features, rows):
    matrix = RANDOM.normal(size=(24_000, features))
    large = make_dataset(matrix, matrix[:, 0], share=0.5)
    found = measure_importances(fit(LinearRegression(), large)[0], large, "rmse", seed=0)
    assert (found.held_out, found.rows) == (True, rows)


def test_without_a_hold_out_importances_say_that_the_rows_were_learnt():
    dataset = make_dataset(MATRIX, SLOPE.target, share=0)
    found = measure_importances(fit(LinearRegression(), dataset)[0], dataset, "rmse", seed=0)
    assert (found.held_out, found.rows) == (False, 150)


def test_thousands_of_features_are_not_shuffled_but_said_so():
    wide = make_dataset(RANDOM.normal(size=(20, MOST_FEATURES + 1)), np.arange(20.0), share=0.5)
    report = report_on(LinearRegression(), wide, "rmse")
    skipped = f"{MOST_FEATURES + 1} features are too many to shuffle each: at most {MOST_FEATURES} are"
    assert report.importances == SkippedImportances(skipped=skipped)
    assert len(report.drawings) == 2


class AfraidOfOrder(RegressorMixin, BaseEstimator):
    """Predictions rows only as they came."""

    def fit(self, matrix, target):
        self.known_ = {row.tobytes() for row in MATRIX}
        return self

    def predict(self, matrix):
        if not all(row.tobytes() in self.known_ for row in np.ascontiguousarray(matrix)):
            raise ZeroDivisionError("never seen\nat all")
        return np.zeros(len(matrix))


def test_an_estimator_that_fails_on_shuffled_columns_is_still_reported_on():
    report = report_on(AfraidOfOrder(), SLOPE, "rmse")
    assert report.importances == SkippedImportances(skipped="ZeroDivisionError: never seen")
    assert len(report.drawings) == 2


# Intervals of the scores


@pytest.mark.parametrize("rows", [30, MOST_DRAWN_ROWS + 1])
def test_an_interval_lies_around_its_score_and_narrows_with_the_root_of_the_rows(rows):
    for evaluation in (answer_regression(rows), answer_classes(rows, 3)):
        intervals = find_score_intervals(evaluation, seed=0)
        assert list(intervals) == list(evaluation.scores)
        for name, (low, high) in intervals.items():
            assert low < evaluation.scores[name] < high
            assert 0.2 < (high - low) * np.sqrt(rows) < 12


def test_the_normal_shortcut_agrees_with_drawing_the_rows(monkeypatch):
    evaluation = answer_regression(1_000)
    drawn = find_score_intervals(evaluation, seed=0)
    monkeypatch.setattr("predictor.training.reports.score_intervals.MOST_DRAWN_ROWS", 0)
    short = find_score_intervals(evaluation, seed=0)
    for name in drawn:
        width = drawn[name][1] - drawn[name][0]
        assert short[name] == pytest.approx(drawn[name], abs=width / 5)
        assert short[name] != drawn[name]


def test_intervals_cover_the_true_scores_as_often_as_they_say():
    # The true scores: RMSE 1, R² 0.5, MAE √(2/π), and 0.9 for the accuracy of coins that mostly agree.
    hits = {"mae": 0, "rmse": 0, "r2": 0, "accuracy": 0}
    true_scores = {"mae": np.sqrt(2 / np.pi), "rmse": 1.0, "r2": 0.5, "accuracy": 0.9}
    for seed in range(100):
        random = np.random.default_rng(seed)
        predicted = random.normal(size=100)
        actual = predicted + random.normal(size=100)
        one = evaluate(score_regression, actual, predicted)
        classes = (random.random(100) > 0.5).astype(float)
        predicted_classes = np.where(random.random(100) < 0.9, classes, 1 - classes)
        other = evaluate(score_classification, classes, predicted_classes)
        intervals = find_score_intervals(one, seed) | find_score_intervals(other, seed)
        for name in hits:
            hits[name] += intervals[name][0] <= true_scores[name] <= intervals[name][1]
    assert all(88 <= each <= 99 for each in hits.values()), hits


def test_a_score_without_a_finite_interval_has_none():
    same = Evaluation(**{**vars(answer_regression(20)), "actual": np.zeros(20)})
    assert "r2" not in find_score_intervals(same, seed=0)


# The whole


@pytest.mark.parametrize(
    ("model", "dataset", "metric"),
    [(LinearRegression(), SLOPE, "rmse"), (RandomForestClassifier(5, random_state=0), HALVES, "log_loss")],
)
def test_the_same_data_recipe_and_seed_give_the_same_report(model, dataset, metric):
    assert report_on(model, dataset, metric) == report_on(model, dataset, metric)


def test_the_commit_is_gits_own_and_says_when_files_differ(tmp_path):
    def git(*arguments):
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        command = ["git", *who, *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603  # Our own arguments.

    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-qm", "one")
    assert find_commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "file").write_text("two")
    assert find_commit(tmp_path) == git("rev-parse", "HEAD") + "-dirty"


def test_without_git_the_commit_is_herokus_or_not_known(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for name in ("HEROKU_BUILD_COMMIT", "HEROKU_SLUG_COMMIT", "SOURCE_VERSION"):
        monkeypatch.delenv(name, raising=False)
    assert find_commit(tmp_path) is None
    monkeypatch.setenv("HEROKU_SLUG_COMMIT", "0a1b2c")
    assert find_commit(tmp_path) == "0a1b2c"
