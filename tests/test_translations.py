"""A recipe's words in other languages: on pages, and in what a version stores."""

import json

import pytest
from bs4 import BeautifulSoup

from predictor.exceptions import RecipeError
from predictor.languages import ENGLISH, LANGUAGES, use_language
from predictor.models import Prediction, Version
from predictor.training.recipe import read_recipe
from tests.recipes import LINE, write_recipe
from tests.test_words import LOAN, make_loans, post
from tests.training import train

pytestmark = pytest.mark.django_db

GERMAN = """
[translations.de]
title = "Kredite"
description = "Wer bekommt einen?"
labels = { granted = "Entscheidung", area = "Gegend" }
help = { income = "In Tausend." }
[translations.de.choices]
granted = { 1 = "bewilligt", 0 = "abgelehnt" }
area = { 2 = "Stadt", 0 = "Land" }
"""
RIDGE = '[estimator]\nclass = "sklearn.linear_model.Ridge"\n'
GROUPED = """
[[examples]]
title = "Rich"
inputs = { income = 90 }
[[examples]]
title = "Poor"
inputs = { income = 40 }
"""


@pytest.fixture
def loans(tmp_path, settings, db):
    settings.MODELS_DIR = write_recipe(tmp_path, "loans", toml=LOAN + GERMAN, csv=make_loans())
    return train(settings.MODELS_DIR, "loans")


@pytest.fixture
def german_site(settings):
    settings.LANGUAGE, settings.OFFERED_LANGUAGES, settings.USE_I18N = "en", ["en", "de"], True
    settings.LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]


def test_a_page_has_the_words_for_its_language_and_the_history_keeps_codes(client, german_site, loans):
    german = {"accept-language": "de"}
    form = BeautifulSoup(client.get("/loans/", headers=german).content, "html.parser")
    assert form.h1.text == "Kredite"
    assert form.select_one("nav a").text == "Kredite"
    assert {each.text for each in form.select(".field label")} == {"Gegend", "married", "income"}
    assert [each.text for each in form.select("select[name=area] option[value]:not([value=''])")] == [
        "Stadt",
        "Land",
        "suburb",
    ]
    assert "In Tausend." in form.text
    typed = {"area": "2", "married": "Y", "income": "70,5"}
    page = BeautifulSoup(client.post("/loans/", typed, follow=True, headers=german).content, "html.parser")
    prediction = Prediction.objects.get()
    assert (prediction.inputs, prediction.output) == ({"area": "2", "married": "Y", "income": 70.5}, 1)
    assert page.select_one("output").text == "bewilligt"
    english = client.get(prediction.get_absolute_url(), headers={"accept-language": "en"}).content.decode()
    assert ">granted</output>" in english


def test_titles_of_groups_and_examples_are_in_the_language_of_the_page(client, german_site, tmp_path, settings, db):
    toml = LOAN + GROUPED + '[features.income]\ngroup = "Money"\n'
    toml += '[translations.de]\ngroups = { Money = "Geld" }\nexamples = { Rich = "Reich" }\n'
    settings.MODELS_DIR = write_recipe(tmp_path, "loans", toml=toml, csv=make_loans())
    train(settings.MODELS_DIR, "loans")

    def show_form(language):
        page = BeautifulSoup(client.get("/loans/", headers={"accept-language": language}).content, "html.parser")
        return {each.text for each in page.select("legend")}, [each.text for each in page.select(".fill")]

    groups, examples = show_form("de")
    assert (groups, examples[1:3]) == ({"Geld", "Weitere Eingaben"}, ["Reich", "Poor"])
    groups, examples = show_form("en")
    assert (groups, examples[1:3]) == ({"Money", "Other inputs"}, ["Rich", "Poor"])


def test_a_site_in_english_alone_has_the_english_words_of_a_recipe_in_another_language(client, tmp_path, settings, db):
    toml = LINE.replace("A line", "Eine Gerade") + RIDGE + '[translations.en]\ntitle = "A straight line"\n'
    settings.MODELS_DIR = write_recipe(tmp_path, "line", toml=toml)
    train(settings.MODELS_DIR, "line")
    assert BeautifulSoup(client.get("/line/").content, "html.parser").h1.text == "A straight line"


def test_an_error_names_the_words_of_the_page_and_the_api_those_of_the_recipe(client, german_site, loans):
    page = client.post("/loans/", {"area": "7", "married": "Y", "income": "1"}, headers={"accept-language": "de"})
    assert "„Stadt“ (2), „Land“ (0), „suburb“ (1)" in page.content.decode()
    answer = client.post(
        "/api/v1/models/loans/predict",
        {"inputs": {"area": "7", "married": "Y", "income": 1}},
        content_type="application/json",
        headers={"accept-language": "de"},
    )
    assert "“7” is not a choice: give one of “city” (2)" in answer.json()["error"]["fields"]["area"]


def test_the_live_version_is_the_same_only_with_the_same_words(loans, tmp_path, settings):
    train(settings.MODELS_DIR, "loans")
    recipe = settings.MODELS_DIR / "loans/model.toml"
    recipe.write_text(recipe.read_text().replace("Kredite", "Darlehen"))
    train(settings.MODELS_DIR, "loans")
    newest = Version.objects.first()
    with use_language(LANGUAGES["de"]):
        assert newest.shown_title == "Darlehen"
    with use_language(ENGLISH):
        assert newest.shown_title == newest.title == "Loans"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("[translations.pt]\ntitle = 'x'", "translations.pt: pages are never in this language: write one of de, en"),
        ("[translations]\nde = 1", "translations.de: must be a table such as [translations.de], not 1"),
        ("[translations.de]\ntitel = 'x'", "translations.de.titel: there is no such key; it may be one of title"),
        ("[translations.de]\ntitle = ''", "translations.de.title: must be"),
        ("[translations.de.labels]\narea = 5", "translations.de.labels.area: must be a text of 1 to 200 characters"),
        (
            "[translations.de]\ngroups = { Money = '' }",
            "translations.de.groups.Money: must be a text of 1 to 200 characters",
        ),
        (
            "[translations.de]\nexamples = 'x'",
            "translations.de.examples: must be a table such as [translations.de.examples]",
        ),
        ("[translations.de]\nchoices = { area = 'x' }", "translations.de.choices.area: must be words by choice"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_names_the_key(tmp_path, wrong, problem):
    models_dir = write_recipe(tmp_path, "loans", toml=LOAN + wrong, csv=make_loans())
    with pytest.raises(RecipeError) as caught:
        read_recipe(models_dir, "loans")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("labels = { aera = 'x' }", "translations.de.labels.aera: there is nothing of this name; there is 'area', "),
        ("help = { granted = 'x' }", "translations.de.help.granted: the target has no help: leave it out"),
        ("choices = { income = { 1 = 'x' } }", "translations.de.choices.income: there is nothing of this name"),
        ("choices = { area = { 9 = 'x' } }", "translations.de.choices.area.9: there is no such choice"),
        ("choices = { area = { 2 = 'suburb' } }", "translations.de.choices.area: “suburb” would be both"),
        (
            "bands = { high = 'hoch' }",
            "translations.de.bands.high: there is nothing of this name, as there is nothing to",
        ),
        ("examples = { Low = 'Arm' }", "translations.de.examples.Low: there is nothing of this name; there is 'Poor'"),
        ("groups = { Luck = 'Glück' }", "translations.de.groups.Luck: there is nothing of this name; there is 'Money'"),
    ],
)
def test_words_for_what_the_data_do_not_have_are_refused_before_the_training(tmp_path, wrong, problem):
    grouped = '[[examples]]\ntitle = "Poor"\ninputs = {}\n[features.income]\ngroup = "Money"\n'
    toml = f"{LOAN}\n{grouped}[translations.de]\n{wrong}"
    models_dir = write_recipe(tmp_path, "loans", toml=toml, csv=make_loans())
    with pytest.raises(RecipeError) as caught:
        train(models_dir, "loans")
    assert problem in str(caught.value)


def test_words_are_signed_with_the_schema_that_former_builds_read_without_them(loans):
    stored = json.loads(json.dumps(loans.schema))
    assert stored["translations"]["de"]["choices"]["area"] == {"2": "Stadt", "0": "Land"}
    assert {"features", "target"} < stored.keys()
    assert "Stadt" not in json.dumps([stored["features"], stored["target"], stored["labels"]])


def test_the_api_is_the_same_with_translations(client, german_site, loans):
    [prediction] = post(client, "loans", [{"area": 2, "married": "Y", "income": 70}]).json()["predictions"]
    assert prediction["label"] == "granted"
