"""Trials: a model answers other inputs, and nothing of it is kept."""

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from predictor.access import visitors
from predictor.access.limits import Rate
from predictor.languages import LANGUAGES, use_language
from predictor.models import Prediction, RateWindow
from predictor.schema.kinds import make_feature
from predictor.web.trial_form import find_slider
from tests.test_predict_journey import PENGUIN

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_refused():
    visitors._refused.clear()
    yield
    visitors._refused.clear()


@pytest.fixture
def answer(client, line):
    client.post("/", {"x": "5"})
    return Prediction.objects.get()


def read(response):
    return BeautifulSoup(response.content, "html.parser")


def send(client, typed, slug="line", origin="", **headers):
    return client.post(f"/{slug}/try/?from={origin}", typed, headers=headers)


def test_a_trial_says_what_the_model_would_answer_and_stores_nothing(client, answer):
    page = send(client, {"x": "6"}, origin=answer.id, **{"HX-Request": "true"}).content.decode()
    stored = client.post("/api/v1/models/line/predict", {"inputs": {"x": 6}}, content_type="application/json").json()
    [prediction] = stored["predictions"]
    assert "A trial, not kept" in page
    assert f"{prediction['output']:.2f}"[:4] in page
    assert f"more than the answer, {answer.written_output}." in page
    assert "<html" not in page
    assert "<title" not in page
    assert 'id="prediction"' not in page
    assert Prediction.objects.count() == 2  # The answer, and that of the API.


def test_without_javascript_a_trial_is_a_page_with_the_form_as_it_was_filled_in(client, answer):
    link = read(client.get(answer.get_absolute_url())).select_one(".what-if a")["href"]
    form = read(client.get(link)).select_one("form.try")
    assert form.select_one("input[name=x]")["value"] == "5"
    assert form.select_one("button.unscripted")["formaction"] == f"/line/try/?from={answer.id}"
    page = read(send(client, {"x": "7.5"}, origin=answer.id))
    assert page.select_one("form.try input[name=x]")["value"] == "7.5"
    assert "A trial, not kept" in page.select_one("#trial").text
    assert page.select_one("main a[href^='/predictions/']")["href"] == answer.get_absolute_url()
    assert Prediction.objects.count() == 1


def test_keep_this_one_makes_a_prediction_as_any_form_does(client, answer):
    form = read(client.get(f"{answer.get_absolute_url()}try/")).select_one("form.try")
    assert (form["action"], form["method"]) == ("/line/", "post")
    keep = form.select("button")[-1]
    assert not keep.has_attr("formaction")
    assert client.post(form["action"], {"x": "6"}).status_code == 303
    assert Prediction.objects.count() == 2


def test_a_trial_warns_as_a_prediction_does(client, answer):
    page = read(send(client, {"x": "50"}))
    assert "50 is outside what the model has seen" in page.select_one("#trial .warnings").text


def test_a_trial_of_classes_says_which_and_how_sure(client, penguins):
    client.post("/penguins/", PENGUIN)
    origin = Prediction.objects.get()
    adelie = {
        **PENGUIN,
        "bill_length_mm": "38",
        "island": "Torgersen",
        "body_mass_g": "3500",
        "flipper_length_mm": "185",
    }
    text = " ".join(read(send(client, adelie, "penguins", origin.id)).select_one("#trial").text.split())
    assert "A trial, not kept Adelie" in text
    assert "The answer was Gentoo." in text


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_what_is_wrong_is_named_and_nothing_is_answered(client, answer, headers):
    response = send(client, {"x": "abc"}, **headers)
    assert response.status_code == 422
    assert "“abc” is not a number" in response.content.decode()
    assert "A trial, not kept" not in response.content.decode()


def test_an_input_that_overflows_the_model_has_no_trial_either(client, answer):
    assert "no finite answer" in send(client, {"x": "1.7e308"}, **{"HX-Request": "true"}).content.decode()


def test_trials_have_a_limit_of_their_own(client, answer, monkeypatch):
    monkeypatch.setattr(visitors, "TRIALS", Rate(most=2, seconds=60))
    replies = [send(client, {"x": "6"}, **{"HX-Request": "true"}) for _ in range(4)]
    assert [each.status_code for each in replies] == [200, 200, 429, 429]
    assert "try again" in replies[-1].content.decode()
    refused = send(client, {"x": "6"})
    assert 0 < int(refused["Retry-After"]) <= 60
    assert RateWindow.objects.get().count == 3  # What is refused already costs no query.
    assert client.post("/", {"x": "6"}).status_code == 303


def test_trials_are_switched_off_by_a_setting(client, answer, settings):
    settings.TRIALS = False
    assert send(client, {"x": "6"}).status_code == 404
    assert client.get(f"{answer.get_absolute_url()}try/").status_code == 404
    assert read(client.get(answer.get_absolute_url())).select(".what-if") == []


def test_a_trial_of_another_site_is_refused(answer):
    assert Client(enforce_csrf_checks=True).post("/line/try/", {"x": "6"}).status_code == 403


@pytest.mark.parametrize("origin", ["", "x", "01890000-0000-7000-8000-000000000000"])
def test_a_trial_needs_no_answer_to_start_from(client, line, origin):
    response = send(client, {"x": "6"}, origin=origin)
    assert response.status_code == 200
    assert "the answer" not in read(response).select_one("#trial").text


def test_no_trial_is_made_by_a_link(client, line):
    assert client.get("/line/try/?x=5").status_code == 405


@pytest.mark.parametrize(
    ("kind", "seen", "slider"),
    [
        ("number", (32.1, 55.9), ("32.1", "55.9", "0.1")),
        ("number", (0.313, 9.92), ("0.4", "9.9", "0.1")),
        ("integer", (2007.0, 2009.0), ("2007", "2009", "1")),
        ("integer", (1300.0, 215_245.0), ("2000", "215000", "1000")),
        ("number", (-0.002, 0.001), ("-0.002", "0.001", "1e-05")),
        ("number", (5.0, 5.0), None),
        ("number", (), None),
    ],
)
def test_a_slider_goes_over_the_range_seen_in_training_by_round_steps(kind, seen, slider):
    with use_language(LANGUAGES["de"]):
        found = find_slider(make_feature(name="x", kind=kind, label="x", seen=seen))
    assert (found and (found.low, found.high, found.step)) == slider
