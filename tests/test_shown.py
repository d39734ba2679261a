"""What a recipe's `[output]` does: outputs are shown in another unit and in words, and are limited."""

import csv
import json
import re

import numpy as np
import pytest
from bs4 import BeautifulSoup
from django.core.management import call_command

from predictor.estimators.compiled import CompiledModel
from predictor.estimators.limited import Limited, Thresholded
from predictor.exceptions import InvalidValue, RecipeError
from predictor.models import Outcome, Prediction, Version
from predictor.schema.output import Band, Output
from predictor.schema.target import Target
from predictor.serving.runtime import load_comparable, load_runtime
from tests.recipes import write_recipe
from tests.training import train

pytestmark = pytest.mark.django_db

HOUSES = """
title = "Houses"
target = "price"
data = "data.csv"
show_data = true
[estimator]
class = "sklearn.linear_model.LinearRegression"
[features.price]
label = "Price"
unit = "$"
"""
IN_THOUSANDS = HOUSES + '[output]\nscale = 0.001\nunit = "k$"\n'
BMI = """
title = "Body mass index"
target = "bmi"
data = "data.csv"
[estimator]
class = "sklearn.linear_model.LinearRegression"
[features.bmi]
label = "BMI"
unit = "kg/m²"
[output]
decimals = 1
bands = [{ below = 18.5, label = "underweight" }, { below = 25, label = "normal" }, { label = "overweight" }]
"""

PRICE = Target(name="price", label="Price", task="regression", unit="$", output=Output(scale=0.001, unit="k$"))


def make_houses(rows=200):
    random = np.random.default_rng(0)
    area = random.uniform(40, 250, rows).round()
    price = (area * 1_500 + 20_000 + random.normal(0, 9_000, rows)).round()
    return "area,price\n" + "".join(f"{a:.0f},{p:.0f}\n" for a, p in zip(area, price, strict=True))


def make_bodies(rows=200):
    random = np.random.default_rng(0)
    waist = random.uniform(60, 130, rows).round(1)
    return "waist,bmi\n" + "".join(
        f"{w},{w / 3.6 + e:.2f}\n" for w, e in zip(waist, random.normal(0, 1, rows), strict=True)
    )


@pytest.fixture
def make(tmp_path, settings, db):
    def make(slug, toml, csv):
        settings.MODELS_DIR = write_recipe(tmp_path, slug, toml=toml, csv=csv)
        return train(settings.MODELS_DIR, slug)

    return make


@pytest.fixture
def houses(make):
    return make("houses", IN_THOUSANDS, make_houses())


def post(client, slug, inputs):
    return client.post(f"/api/v1/models/{slug}/predict", {"inputs": inputs}, content_type="application/json").json()


def read_text(response):
    """The text of a page, in which any white space is one blank."""
    return " ".join(BeautifulSoup(response.content, "html.parser").text.split())


def test_a_price_is_shown_in_thousands_and_kept_in_dollars(client, houses):
    page = client.post("/houses/", {"area": "100"}, follow=True)
    prediction = Prediction.objects.get()
    assert prediction.output == pytest.approx(170_000, rel=0.05)
    html = BeautifulSoup(page.content, "html.parser")
    shown = html.select_one("output#prediction")
    assert float(shown["data-value"]) == prediction.output
    assert shown.text == f"{prediction.output / 1000:.0f}\u00a0k$"
    low, high = (f"{end / 1000:.0f}" for end in prediction.interval)
    assert html.select_one(".interval strong").text == f"{low} to {high}\u00a0k$"


def test_a_chart_has_the_shown_unit_at_its_axis_and_its_points_where_they_were(client, houses, make):
    page = client.post("/houses/", {"area": "100"}, follow=True).content.decode()
    html = BeautifulSoup(page, "html.parser")
    assert "Price (k$)" in [each.text for each in html.select("figure .axis")]
    assert {"100", "200", "300", "400"} <= {each.text for each in html.select("svg.chart text.tick.y")}
    assert f"your point at 100, {html.select_one('output').text}" in html.select_one("svg.chart title").text
    points = [each["y"] for each in html.select("svg.chart use")]
    make("houses", HOUSES, make_houses())
    plain = BeautifulSoup(client.get("/about/houses/").content, "html.parser")
    assert [each["y"] for each in plain.select("svg.chart use")] == points


def test_the_about_page_says_which_unit_is_which(client, houses):
    text = read_text(client.get("/about/houses/"))
    assert "It predicts Price in $ from" in text
    assert "Pages show it in k$, 0.001 times the model's own number; metrics, the API and files are in $." in text
    assert re.search(r"MAE ?\$\d,\d\d\d", text)
    figure = client.get(houses.figures.get(name="predictions").get_absolute_url()).content.decode()
    assert "k$" in figure


def test_the_api_answers_in_the_stored_unit_and_adds_what_pages_show(client, houses):
    answer = post(client, "houses", {"area": 100})
    [prediction] = answer["predictions"]
    assert (answer["unit"], prediction["label"]) == ("$", None)
    assert prediction["output"] == Prediction.objects.get().output
    assert prediction["text"] == f"{prediction['output'] / 1000:.0f}\u00a0k$"


def test_an_outcome_is_typed_in_the_shown_unit_and_read_from_files_in_the_stored_one(
    client, admin_client, houses, tmp_path, capsys
):
    post(client, "houses", [{"area": 100}, {"area": 120}])
    second, first = Prediction.objects.all()
    page = BeautifulSoup(admin_client.get(first.get_absolute_url()).content, "html.parser")
    assert page.select_one("form.record .unit").text == "k$"
    wrong = admin_client.post(f"{first.get_absolute_url()}outcome/", {"outcome": "many"})
    assert "“many” is not a number: give a number in k$." in wrong.content.decode()
    assert admin_client.post(f"{first.get_absolute_url()}outcome/", {"outcome": "171.123"}).status_code == 303
    file = tmp_path / "outcomes.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([["id", "outcome"], [first.id, "171123"], [second.id, "cheap"]])
    call_command("record_outcomes", file, by="tests", partial=True)
    report = capsys.readouterr().out
    assert "1 unchanged" in report
    assert "“cheap” is not a number: give a number in $" in report
    assert [each.value for each in Outcome.objects.all()] == [171_123.0]
    assert "171.123 k$ recorded on" in read_text(admin_client.get(first.get_absolute_url()))


def test_the_admin_takes_and_shows_outcomes_in_the_shown_unit(client, admin_client, houses):
    post(client, "houses", {"area": 100})
    prediction = Prediction.objects.get()
    add = f"/admin/predictor/outcome/add/?prediction={prediction.id}"
    assert "Give a number in k$." in read_text(admin_client.get(add))
    sent = {"prediction": str(prediction.id), "value": "0.1", "seen": ""}
    assert admin_client.post(add, sent).status_code == 302
    outcome = Outcome.objects.get()
    assert outcome.value == 100
    html = BeautifulSoup(admin_client.get(add).content, "html.parser")
    assert html.select_one("textarea[name=value]").text.strip() == "0.1"
    assert "0.1\u00a0k$" in admin_client.get("/admin/predictor/outcome/").content.decode()
    assert f"{prediction.written_output}" in admin_client.get("/admin/predictor/prediction/").content.decode()


def test_outputs_have_the_recipes_decimals_and_words(client, admin_client, make):
    version = make("bmi", BMI, make_bodies())
    page = client.post("/bmi/", {"waist": "80"}, follow=True)
    prediction = Prediction.objects.get()
    assert read_text(page).count(f"{prediction.output:.1f} kg/m² (normal)") >= 2
    low, high = (f"{end:.1f}" for end in prediction.interval)
    assert f"{low} to {high} kg/m²" in read_text(page)
    [answer] = post(client, "bmi", {"waist": 60})["predictions"]
    assert (answer["label"], answer["text"]) == ("underweight", f"{answer['output']:.1f}\u00a0kg/m² (underweight)")
    assert "(normal)" in admin_client.get("/admin/predictor/prediction/").content.decode()
    about = read_text(client.get("/about/bmi/"))
    assert "In words: below 18.5 kg/m² “underweight”, below 25 kg/m² “normal”, else “overweight”." in about
    admin_client.post(f"{prediction.get_absolute_url()}outcome/", {"outcome": "25"})
    assert "25 kg/m² (overweight)" in read_text(admin_client.get(prediction.get_absolute_url()))
    assert version.schema["output"].keys() == {"decimals", "bands"}


def test_a_version_without_output_answers_and_is_signed_as_ever(client, make):
    version = make("houses", HOUSES, make_houses())
    assert version.schema.keys() == {"features", "target"}
    answer = post(client, "houses", {"area": 100})
    assert answer.keys() == {"model", "version", "predictions"}
    assert answer["predictions"][0].keys() == {"id", "output", "interval", "probabilities", "warnings"}
    manifest = json.loads(version.artifacts.first().manifest_2)
    assert manifest["schema"] == version.schema


def test_what_displays_only_changes_no_prediction(make):
    plain, scaled = make("houses", HOUSES, make_houses()), make("houses", IN_THOUSANDS, make_houses())
    assert Version.objects.count() == 2
    assert (plain.metrics, plain.interval, plain.profile) == (scaled.metrics, scaled.interval, scaled.profile)


@pytest.mark.parametrize("number", [159600.78432, 0.1, -1e-9, 1e22, 123.4, 7.0])
def test_a_number_comes_back_from_the_shown_unit_as_it_was(number):
    target = Target(name="y", label="y", task="regression", output=Output(scale=0.001, unit="k$"))
    assert target.from_shown(target.to_shown(number)) == number


@pytest.mark.parametrize(("number", "words"), [(18.49, "underweight"), (18.5, ""), (-1.0, "underweight")])
def test_a_band_ends_below_its_limit_and_what_is_in_none_has_no_words(number, words):
    assert Output(bands=(Band(label="underweight", below=18.5),)).find_band(number) == words


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("scale = 0.001", "output.scale: numbers that are 0.001 times the target's have another unit"),
        ('scale = 0.001\nunit = "$"', "output.scale: numbers that are 0.001 times"),
        ('scale = 0\nunit = "k$"', "output.scale: must be "),
        ("decimals = 1.5", "output.decimals: must be an integer, not 1.5"),
        ("bands = 5", "output.bands: must be an array, not 5"),
        (
            'bands = [{ below = 1, name = "a" }]',
            "output.bands[0].name: there is no such key; it may be one of label, below",
        ),
        ("bands = [{ below = 1 }]", "output.bands[0].label: is missing"),
        ('bands = [{ label = "a" }, { below = 1, label = "b" }]', "output.bands: must have rising ends"),
        ('bands = [{ below = 2, label = "a" }, { below = 1, label = "b" }]', "output.bands: must have rising ends"),
        ("threshold = 0.5", "output.threshold: is for a target of two classes, and this is a regression"),
        ("minimum = 5\nmaximum = 5", "output.minimum: must be below the maximum 5.0, not 5.0"),
        ("minimun = 5", "output.minimun: there is no such key; it may be one of decimals, scale, unit, bands,"),
        ("minimum = inf", "output.minimum: must be a number <= 1.7976931348623157e+308, not inf"),
    ],
)
def test_an_output_that_cannot_be_is_refused_by_name(make, output, message):
    with pytest.raises(RecipeError) as caught:
        make("houses", f"{HOUSES}[output]\n{output}\n", make_houses())
    assert f"model.toml: {message}" in str(caught.value)


CHURN = """
title = "Churn"
target = "churn"
data = "data.csv"
[estimator]
class = "sklearn.ensemble.RandomForestClassifier"
params = { n_estimators = 20, max_depth = 4 }
[features.churn.labels]
0 = "stays"
1 = "leaves"
"""
THRESHOLD = '[output]\npositive = "leaves"\nthreshold = 0.2\n'
COUNTS = """
title = "Counts"
target = "count"
data = "data.csv"
[estimator]
class = "sklearn.linear_model.LinearRegression"
"""


def make_churn(rows=600):
    random = np.random.default_rng(0)
    months, calls = random.integers(1, 60, rows), random.integers(0, 9, rows)
    leaves = random.random(rows) < 1 / (1 + np.exp(1.5 + 0.05 * months - 0.4 * calls))
    lines = zip(months, calls, leaves.astype(int), strict=True)
    return "months,calls,churn\n" + "".join(f"{m},{c},{y}\n" for m, c, y in lines)


def make_counts(rows=300):
    random = np.random.default_rng(0)
    x = random.uniform(-3, 10, rows).round(2)
    counts = random.poisson(np.maximum(x, 0.05))
    return "x,count\n" + "".join(f"{a},{c}\n" for a, c in zip(x, counts, strict=True))


def test_the_positive_class_is_the_answer_from_the_threshold_on(client, make):
    plain, version = make("churn", CHURN, make_churn()), make("churn", CHURN + THRESHOLD, make_churn())
    assert version.schema["output"] == {"threshold": 0.2, "positive": 1}
    assert post(client, "churn", [{"months": m, "calls": c} for m in range(1, 60, 4) for c in range(9)])
    found = [(each.probabilities["1"], each.output) for each in Prediction.objects.all()]
    assert {output for share, output in found if share >= 0.2} == {1}
    assert {output for share, output in found if share < 0.2} == {0}
    assert any(0.2 <= share < 0.5 for share, _ in found)
    # The metrics are those of the answers.
    assert version.metrics["scores"]["log_loss"] == plain.metrics["scores"]["log_loss"]
    assert version.metrics["scores"]["accuracy"] != plain.metrics["scores"]["accuracy"]
    page = read_text(client.post("/churn/", {"months": "30", "calls": "8"}, follow=True))
    assert "The answer is “leaves” from a probability of 20 % on." in page
    assert "The answer is “leaves” from a probability of 20 % on." in read_text(client.get("/about/churn/"))


@pytest.mark.parametrize(
    ("slug", "toml"), [("churn", CHURN + THRESHOLD), ("counts", COUNTS + "[output]\nminimum = 0\n")]
)
def test_a_limited_model_is_compiled_and_its_pickle_answers_the_same(make, slug, toml):
    version = make(slug, toml, make_churn() if slug == "churn" else make_counts())
    assert version.report["compiled"]["state"] == "compiled"
    compiled, pickled = load_runtime(version), load_comparable(version)
    assert isinstance(compiled.estimator, CompiledModel)
    assert isinstance(pickled.estimator, Thresholded | Limited)
    matrix = np.column_stack([np.linspace(-30, 60, 500)] * len(version.parsed_schema.features))
    outputs = [[each.output for each in runtime.predict(matrix)] for runtime in (compiled, pickled)]
    assert outputs[0] == pytest.approx(outputs[1])


def test_outputs_and_intervals_stay_within_the_limits_and_metrics_are_after_them(client, make):
    plain = make("counts", COUNTS, make_counts())
    version = make("counts", COUNTS + "[output]\nminimum = 0\nmaximum = 8\n", make_counts())
    low, high = post(client, "counts", [{"x": -3}, {"x": 30}])["predictions"]
    assert (low["output"], low["interval"][0]) == (0, 0)
    assert (high["output"], high["interval"][1]) == (8, 8)
    assert low["interval"][1] == pytest.approx(version.parsed_interval.radius)
    assert version.metrics["scores"]["rmse"] < plain.metrics["scores"]["rmse"]
    assert "Its output is at least 0 and at most 8." in read_text(client.get("/about/counts/"))


def test_a_retrain_says_how_many_rows_no_output_can_reach(make, capsys, settings):
    make("counts", COUNTS, make_counts())
    (settings.MODELS_DIR / "counts/model.toml").write_text(COUNTS + "[output]\nmaximum = 8\n")
    call_command("retrain", "counts")
    assert re.search(r"counts: \d+ rows have values of count beyond the limits of \[output\]", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("threshold = 0.5", "output.positive: is missing"),
        ("positive = 1", "output.threshold: is missing"),
        ("positive = 2\nthreshold = 0.5", "output.positive: “2” is not a class of this model: give one of “stays” (0)"),
        ("positive = 1\nthreshold = 1.5", "output.threshold: must be a number < 1.0, not 1.5"),
        ("minimum = 0", "output.minimum: is for a target of numbers, and this is a classification"),
    ],
)
def test_a_threshold_that_cannot_be_is_refused_by_name(make, toml, message):
    with pytest.raises(RecipeError) as caught:
        make("churn", f"{CHURN}[output]\n{toml}\n", make_churn())
    assert f"model.toml: {message}" in str(caught.value)


def test_a_threshold_needs_probabilities(make):
    toml = CHURN.replace("ensemble.RandomForestClassifier", "svm.LinearSVC").replace("params", "# params") + THRESHOLD
    with pytest.raises(RecipeError, match=r"output\.threshold: this estimator gives no probabilities"):
        make("churn", toml, make_churn())


def test_a_tuned_model_is_chosen_by_its_limited_output(make):
    tune = "[output]\nminimum = 0\n[tune.params]\nfit_intercept = [true, false]\n"
    version = make("counts", COUNTS + tune, make_counts())
    assert version.report["tuning"]["candidates"] == 2


@pytest.mark.parametrize("share", [0.1 + 0.2, 0.3, 0.7 - 0.4])
def test_a_share_that_is_the_threshold_on_paper_reaches_it(share):
    class Estimator:
        classes_ = np.array([0, 1])

        def predict_proba(self, matrix):
            return np.array([[1 - share, share]] * len(matrix))

    model = Thresholded(estimator=Estimator(), threshold=0.3, positive=1, negative=0)
    assert model.predict(np.zeros((2, 1))).tolist() == [1, 1]


def test_the_class_and_its_probabilities_are_one_question_to_the_estimator():
    asked = []

    class Estimator:
        classes_ = np.array([0, 1])

        def predict_proba(self, matrix):
            asked.append(len(matrix))
            return np.array([[0.6, 0.4], [0.8, 0.2]])

    model = Thresholded(estimator=Estimator(), threshold=0.3, positive=1, negative=0)
    codes, probabilities = model.predict_with_probabilities(np.zeros((2, 1)))
    assert (codes.tolist(), probabilities[:, 1].tolist(), asked) == ([1, 0], [0.4, 0.2], [2])


def test_a_number_that_is_not_finite_is_not_hidden_by_a_limit():
    class Estimator:
        def predict(self, matrix):
            return np.array([np.inf, np.nan, 9.0, -9.0])

    limited = Limited(estimator=Estimator(), minimum=0.0, maximum=5.0).predict(np.zeros((4, 1)))
    assert np.isfinite(limited).tolist() == [False, False, True, True]
    assert limited[2:].tolist() == [5, 0]


def test_an_outcome_may_have_the_unit_in_which_it_is_taken_and_no_other():
    taken = [PRICE.parse("$1200"), PRICE.parse("1200 $"), PRICE.parse("1.2 k$", shown=True)]
    assert taken == [1200, 1200, 1200]
    for raw, shown in [("1.2 k$", False), ("1200 $", True), ("1200 €", False)]:
        with pytest.raises(InvalidValue, match="is not a number: give a number in"):
            PRICE.parse(raw, shown=shown)
