"""What the page of an answer shows, and where it leads."""

import json
import re
import shlex

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from predictor.models import Prediction
from predictor.serving.service import service
from tests.recipes import write_recipe
from tests.test_predict_journey import PENGUIN
from tests.training import train

WORDS = """
title = "Words"
target = "y"
data = "data.csv"
holdout = 0
[features.words]
kind = "category"
[estimator]
class = "sklearn.linear_model.Ridge"
"""
pytestmark = pytest.mark.django_db

NOISE = "title = 'Noise'\ntarget = 'y'\ndata = 'data.csv'\n[estimator]\nclass = 'sklearn.linear_model.Ridge'\n"


def read(response):
    return BeautifulSoup(response.content, "html.parser")


def ask(client, slug, typed):
    return read(client.post(f"/{slug}/", typed, follow=True))


def test_a_number_stands_with_its_probable_range_on_the_distribution_of_the_training_rows(client, line):
    page = ask(client, "line", {"x": "5"})
    prediction = Prediction.objects.get()
    assert page.select_one(".interval").text == f"probably {prediction.written_interval}"
    chart = page.select_one("svg.range-chart")
    assert len(chart.select("rect.rows")) > 5
    assert len(chart.select("rect.band")) == len(chart.select("circle.mark")) == 1
    described = f"y: {prediction.written_output}, probably {prediction.written_interval}. In training: "
    assert chart.select_one("title").text.startswith(described)
    assert 1 < len(page.select(".figures-table tbody tr")) < 10
    rows = [int(cell.text) for cell in page.select(".range-figure tbody td")]
    assert 0.95 * line.data["training_rows"] <= sum(rows) <= line.data["training_rows"]


def test_a_version_of_a_former_build_has_a_chart_without_the_training_rows(client, line):
    line.profile.pop("target")
    line.save()
    service.forget()
    page = ask(client, "line", {"x": "5"})
    assert page.select("svg.range-chart rect.rows") == page.select(".range-figure table") == []
    assert len(page.select("svg.range-chart rect.band")) == 1


def test_classes_are_bars_with_their_probability_and_how_common_they_are(client, penguins):
    page = ask(client, "penguins", PENGUIN)
    rows = page.select("table.probabilities tr")
    shares = [float(row.select_one("rect.likely")["width"].rstrip("%")) for row in rows]
    assert rows[0].th.text == "Gentoo"
    assert shares == sorted(shares, reverse=True)
    assert [row.select_one(".number").text for row in rows] == [f"{share}\u00a0%" for share in shares]
    usual = [float(row.select_one("line.usual")["x1"].rstrip("%")) for row in rows]
    assert sum(usual) == pytest.approx(100, abs=0.2)
    assert rows[0].svg["aria-label"] == f"{usual[0]}\u00a0% of the training rows"


def test_a_line_says_how_far_to_trust_the_version(client, line):
    trust = ask(client, "line", {"x": "5"}).select_one(".trust")
    assert trust.a["href"] == "/about/line/1/"
    assert re.match(r"Version 1: Typically off by [\d.]+; always guessing the average is off by [\d.]+\.", trust.text)
    assert f"Measured on {line.metrics['rows']} rows that it was not trained on." in trust.text


def test_it_says_so_where_the_model_hardly_beats_its_baseline(client, settings, tmp_path):
    rows = "".join(f"{x},{(x * 7919) % 101}\n" for x in range(200))
    settings.MODELS_DIR = write_recipe(tmp_path, "noise", toml=NOISE, csv=f"x,y\n{rows}")
    train(settings.MODELS_DIR, "noise")
    assert re.search("(hardly better|worse) than always guessing the average", ask(client, "noise", {"x": "5"}).text)


def test_change_inputs_leads_to_the_form_with_them(client, penguins):
    link = ask(client, "penguins", {**PENGUIN, "sex": ""}).select_one(".actions a.button")["href"]
    address = client.get(link)["Location"]
    assert address.startswith("/penguins/?island=Biscoe&bill_length_mm=50&")
    assert "sex" not in address
    form = read(client.get(address)).select_one("form.predict")
    assert form.select_one("input[name=bill_depth_mm]")["value"] == "15.2"
    assert form.select_one("option[value=Biscoe]").has_attr("selected")


def test_inputs_that_are_too_long_for_a_link_are_in_the_form_all_the_same(client, settings, tmp_path):
    long = "-".join(["word"] * 900)
    settings.MODELS_DIR = write_recipe(
        tmp_path,
        "words",
        toml=WORDS,
        csv="words,y\n" + "".join(f"{long if x % 2 else 'short'},{x}.5\n" for x in range(60)),
    )
    train(settings.MODELS_DIR, "words")
    link = ask(client, "words", {"words": long}).select_one(".actions a.button")["href"]
    form = read(client.get(link))
    assert form.select_one("form.predict option[selected]")["value"] == long


def test_the_examples_of_the_api_ask_for_the_very_same_answer(client, penguins):
    [link] = [
        a["href"] for a in ask(client, "penguins", {**PENGUIN, "sex": ""}).select(".actions a") if "API" in a.text
    ]
    curl, python, javascript = (each.text for each in read(client.get(link)).select("pre"))
    words = shlex.split(curl)
    body = words[words.index("-d") + 1]
    answer = client.post("/api/v1/models/penguins/predict", body, content_type="application/json").json()
    prediction = Prediction.objects.earliest("id")
    assert json.loads(body) == {"inputs": prediction.inputs}
    assert answer["predictions"][0]["output"] == prediction.output
    assert words[-1] == "http://testserver/api/v1/models/penguins/predict"
    compile(python, "example", "exec")
    assert "\"island\": 'Biscoe'" in python
    assert '"sex": null' in javascript


def test_the_page_of_an_answer_is_small_and_asks_for_few_files(client, penguins):
    response = client.post("/penguins/", PENGUIN, follow=True)
    page = read(response)
    assert len(response.content) < 30_000
    assert len(page.select("link[rel=stylesheet], script[src], link[rel=icon], img")) <= 5


def test_a_retired_or_broken_model_offers_neither_change_nor_trial(client, line, settings):
    address = client.post("/", {"x": "5"})["Location"]
    line.artifacts.update(signature="0" * 64)
    service.forget()
    page = read(client.get(address))
    assert page.select_one("output#prediction")
    assert page.select(".actions a.button, .what-if, .actions a[href$='/api/']") == []
    assert Client().get(f"{address}change/").status_code == 503
