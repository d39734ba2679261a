"""Codes that are shown as words: on every page and in every error, while history, API and files keep the code."""

import csv
import json

import numpy as np
import pytest
from bs4 import BeautifulSoup
from django.core.management import call_command

from predictor.exceptions import RecipeError
from predictor.models import Outcome, Prediction, Version
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.schema.words import Words, find_ambiguous
from tests.recipes import LINE, make_recipe, write_recipe
from tests.training import train

pytestmark = pytest.mark.django_db

LOAN = """
title = "Loans"
target = "granted"
data = "data.csv"
[estimator]
class = "sklearn.linear_model.LogisticRegression"
[features.granted]
label = "Decision"
labels = { 1 = "granted", 0 = "refused" }
[features.area]
label = "Area"
labels = { 2 = "city", 0 = "country", 1 = "suburb" }
[features.married]
labels = { Y = "married", N = "single" }
"""


def make_loans(rows=300):
    """Loans as people have them: codes for areas, Y and N, and 1 for what was granted."""
    random = np.random.default_rng(0)
    area, income = random.integers(0, 3, rows), random.normal(50, 10, rows).round(1)
    granted = (income + 10 * area + random.normal(0, 8, rows) > 60).astype(int)
    married = random.choice(["Y", "N"], rows)
    lines = zip(area, married, income, granted, strict=True)
    return "area,married,income,granted\n" + "".join(f"{a},{m},{i},{g}\n" for a, m, i, g in lines)


def make_crops(rows=400):
    rain = np.random.default_rng(0).uniform(0, 300, rows).round(0)
    crop = np.select([rain < 80, rain < 160, rain < 230], [3, 7, 20], 22)
    return "rain,crop\n" + "".join(f"{r},{c}\n" for r, c in zip(rain, crop, strict=True))


@pytest.fixture
def loans(tmp_path, settings, db):
    settings.MODELS_DIR = write_recipe(tmp_path, "loans", toml=LOAN, csv=make_loans())
    return train(settings.MODELS_DIR, "loans")


def post(client, slug, inputs):
    body = {"inputs": inputs}
    return client.post(f"/api/v1/models/{slug}/predict", body, content_type="application/json")


def test_a_form_offers_words_in_the_recipes_order_and_the_history_keeps_codes(client, loans):
    page = client.get("/loans/").content.decode()
    offered = ['<option value="2">city</option>', '<option value="0">country</option>']
    assert [page.index(option) for option in offered] == sorted(page.index(option) for option in offered)
    answer = client.post("/loans/", {"area": "2", "married": "Y", "income": "70"}, follow=True).content.decode()
    prediction = Prediction.objects.get()
    assert (prediction.inputs, prediction.output) == ({"area": "2", "married": "Y", "income": 70.0}, 1)
    assert '<output id="prediction" data-value="1">granted</output>' in answer
    assert "<title>Decision: granted" in answer
    html = BeautifulSoup(answer, "html.parser")
    assert [each.text for each in html.select("dl.inputs dd")] == ["city", "married", "70"]
    assert [each.text for each in html.select("table.probabilities th")] == ["granted", "refused"]
    # The form of trials is filled in with the same choice.
    assert (
        '<option value="2" selected>city</option>'
        in client.get(f"{prediction.get_absolute_url()}try/").content.decode()
    )


def test_the_api_takes_codes_and_words_in_any_case(client, loans):
    rows = [
        {"area": area, "married": "y" if area == 2 else "Single", "income": 70} for area in (2, "2", " City", "CITY")
    ]
    rows = [{**row, "married": "Married"} for row in rows]
    assert post(client, "loans", rows).status_code == 200
    assert {json.dumps(each.inputs, sort_keys=True) for each in Prediction.objects.all()} == {
        '{"area": "2", "income": 70.0, "married": "Y"}'
    }


def test_errors_and_warnings_name_words_and_codes(client, loans):
    answer = post(client, "loans", {"area": "town", "married": "Y", "income": 70})
    expected = "give one of “city” (2), “country” (0), “suburb” (1)."
    assert answer.json()["error"]["fields"] == {"area": f"“town” is not a choice: {expected}"}
    page = client.post("/loans/", {"area": "7", "married": "Y", "income": "70"})
    assert page.status_code == 422
    assert f"“7” is not a choice: {expected}" in page.content.decode()


def test_a_choice_that_was_never_seen_warns_in_words(client, tmp_path, settings, db):
    toml = LOAN.replace('1 = "suburb"', '1 = "suburb", 3 = "abroad"')
    settings.MODELS_DIR = write_recipe(tmp_path, "loans", toml=toml, csv=make_loans())
    train(settings.MODELS_DIR, "loans")
    [prediction] = post(client, "loans", {"area": "abroad", "married": "Y", "income": 50}).json()["predictions"]
    assert prediction["warnings"] == ["Area: “abroad” (3) was never seen in training"]


def test_the_about_page_and_the_admin_show_words(client, admin_client, loans):
    post(client, "loans", {"area": "1", "married": "N", "income": 20})
    about = " ".join(BeautifulSoup(client.get("/about/loans/").content, "html.parser").text.split())
    assert "Area: city (2), country (0), suburb (1)" in about
    assert "It predicts Decision (refused (0), granted (1))" in about
    prediction = Prediction.objects.get()
    listed = admin_client.get("/admin/predictor/prediction/").content.decode()
    assert "area = suburb, married = single" in listed
    assert "refused" in listed
    page = BeautifulSoup(
        admin_client.get(f"/admin/predictor/prediction/{prediction.id}/change/").content, "html.parser"
    )
    assert page.select_one("#answer").text == "refused"
    assert [each.text for each in page.select("dl.inputs:not(.facts) dd")][:2] == ["suburb", "single"]
    assert "granted" in page.select_one(".shares").text
    # The words of a figure are drawn, too.
    assert "granted" in client.get(loans.figures.get(name="confusion").get_absolute_url()).content.decode()


def test_an_outcome_is_recorded_in_words_and_kept_as_a_code(client, admin_client, loans, tmp_path, capsys):
    post(client, "loans", [{"area": "1", "married": "N", "income": 20}] * 2)
    first, second = Prediction.objects.all()
    page = admin_client.get(first.get_absolute_url()).content.decode()
    assert '<option value="1">granted</option>' in page
    assert admin_client.post(f"{first.get_absolute_url()}outcome/", {"outcome": "1"}).status_code == 303
    shown = BeautifulSoup(admin_client.get(first.get_absolute_url()).content, "html.parser")
    assert shown.select_one(".happened strong").text == "granted"
    file = tmp_path / "outcomes.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([["id", "outcome"], [first.id, "Refused"], [second.id, "granted"]])
    call_command("record_outcomes", file, by="tests", partial=True)
    assert "“granted” (1) is recorded; --correct would replace it" in capsys.readouterr().out
    assert list(Outcome.objects.values_list("value", flat=True)) == [1, 1]
    assert "granted" in admin_client.get("/admin/predictor/outcome/").content.decode()


def test_a_retrain_with_outcomes_keeps_the_words(client, admin_client, loans, settings):
    post(client, "loans", {"area": "city", "married": "N", "income": 90})
    prediction = Prediction.objects.get()
    admin_client.post(f"{prediction.get_absolute_url()}outcome/", {"outcome": "granted"})
    call_command("retrain", "loans", with_outcomes=True, force=True, promote="always")
    newest = Version.objects.order_by("-number").first()
    assert newest.data["outcomes"]["used"] == 1
    assert newest.parsed_schema.target.labels == {"0": "refused", "1": "granted"}
    assert newest.schema["labels"] == loans.schema["labels"]


def test_words_are_next_to_what_former_builds_read_of_a_schema(loans):
    assert loans.schema.keys() == {"features", "target", "labels"}
    assert loans.schema["features"][0].keys() == {
        *("name", "kind", "label", "unit", "help", "required", "minimum", "maximum", "choices", "seen", "typical")
    }
    assert loans.schema["target"].keys() == {"name", "label", "task", "unit", "classes"}


def test_a_schema_without_words_is_stored_as_ever(tmp_path, db):
    toml = f'{LINE}[estimator]\nclass = "sklearn.linear_model.LinearRegression"'
    line = train(write_recipe(tmp_path, toml=toml), "line")
    assert line.schema.keys() == {"features", "target"}
    assert json.loads(json.dumps(Schema.from_json(line.schema).to_json())) == line.schema


def test_classes_that_would_be_numbers_are_classes_where_they_have_words(tmp_path, settings, db, client):
    toml = """
title = "Crops"
target = "crop"
data = "data.csv"
[estimator]
class = "sklearn.tree.DecisionTreeClassifier"
[features.crop.labels]
3 = "chickpea"
7 = "maize"
20 = "rice"
22 = "jute"
"""
    settings.MODELS_DIR = write_recipe(tmp_path, "crops", toml=toml, csv=make_crops())
    version = train(settings.MODELS_DIR, "crops")
    assert version.target.classes == (3, 7, 20, 22)
    page = client.post("/crops/", {"rain": "200"}, follow=True).content.decode()
    assert '<output id="prediction" data-value="20">rice</output>' in page
    [listed] = version.target.listed[:1]
    assert listed == "chickpea (3)"


@pytest.mark.parametrize(
    ("column", "labels", "message"),
    [
        ("area", '{ 0 = "city", 1 = "City ", 2 = "x" }', "“City” would be both “0” and “1”"),
        ("area", '{ 0 = "1", 1 = "one", 2 = "x" }', "“1” would be both “1” and “0”"),
        ("area", '{ 0 = "2.0", 1 = "one", 2 = "x" }', "“2.0” would be both “2” and “0”"),
        ("area", '{ 0 = "a", "0.0" = "b", 1 = "c", 2 = "d" }', "labels: a choice is listed twice"),
        ("area", '{ 0 = "city", 1 = "town" }', "also contains '2': add it to the labels or fix the data"),
        ("income", '{ 0 = "none" }', "labels: data.csv also contains 48.9, but category means a text, a whole number"),
        ("granted", '{ 0 = "no", 1 = "yes", 2 = "maybe" }', "labels.2: there is no such value; it has '0', '1'"),
        ("area", '{ 0 = "", 1 = "b", 2 = "c" }', "labels.0: must be words of 1 to 200 characters, not ''"),
        ("area", '{ 0 = 5, 1 = "b", 2 = "c" }', "labels.0: must be words of 1 to 200 characters, not 5"),
        ("area", '{ 1.5 = "b" }', 'write a code with a point in quotes, "1.5"'),
        ("area", '"city"', "labels: must be words by code"),
    ],
)
def test_words_that_cannot_be_are_refused_by_name(tmp_path, settings, column, labels, message):
    toml = LOAN.split("[features.granted]")[0] + f"[features.{column}]\nlabels = {labels}\n"
    settings.MODELS_DIR = write_recipe(tmp_path, "loans", toml=toml, csv=make_loans())
    with pytest.raises(RecipeError) as caught:
        train(settings.MODELS_DIR, "loans")
    assert f"features.{column}" in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", ["number", "integer", "boolean"])
def test_labels_make_a_category_and_no_other_kind(tmp_path, kind):
    toml = LOAN.split("[features.granted]")[0] + f'[features.area]\nkind = "{kind}"\nlabels = {{ 0 = "x" }}\n'
    with pytest.raises(RecipeError, match="labels make a category"):
        make_recipe(tmp_path, "loans", toml=toml, csv=make_loans())


def test_some_texts_of_a_category_may_go_without_words():
    words = Words(["NW", "SE", "other"], {"NW": "north-west"})
    assert words.expected == "one of “north-west” (NW), “SE”, “other”"
    assert [words.find_code(text) for text in ("North-West", "SE", "nw")] == ["NW", None, None]
    assert find_ambiguous(words.codes, words.labels) is None


def test_boolean_classes_take_words():
    churn = Target(name="y", label="y", task="classification", classes=(False, True), labels={"true": "churns"})
    assert churn.parse("Churns") is True
    assert str(churn.write(True)) == "churns"
    assert str(churn.write(False)) == "no"
    assert churn.listed == ["no", "churns (true)"]


def test_words_harm_no_page(client, tmp_path, settings, db):
    """Words are typed by the author, and may still be copied from anywhere."""
    evil = "</option><script>alert(1)</script> \" ' {{ x }} שלום"
    toml = (
        LOAN.replace('"city"', json.dumps(evil))
        .replace('"granted"', json.dumps(f"{evil}!"), 2)
        .replace(f"target = {json.dumps(evil + '!')}", 'target = "granted"')
    )
    settings.MODELS_DIR = write_recipe(tmp_path, "loans", toml=toml, csv=make_loans())
    train(settings.MODELS_DIR, "loans")
    page = client.post("/loans/", {"area": evil, "married": "Y", "income": "80"}, follow=True).content.decode()
    about = client.get("/about/loans/").content.decode()
    tried = client.get(f"{Prediction.objects.get().get_absolute_url()}try/").content.decode()
    for content in (page, about, tried):
        assert "<script>alert" not in content
        assert "{{ x }}" in content
    option = BeautifulSoup(tried, "html.parser").select_one('select[name=area] option[value="2"][selected]')
    assert option.text == evil
