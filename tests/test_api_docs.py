import json
import shlex

import pytest
from bs4 import BeautifulSoup

from predictor.api.shown import show_operation
from predictor.models import Prediction

pytestmark = pytest.mark.django_db


def read(client):
    response = client.get("/api/docs")
    assert response.status_code == 200
    return BeautifulSoup(response.content, "html.parser")


def test_every_operation_has_its_inputs_a_command_an_answer_and_what_its_statuses_mean(client, line, penguins):
    page, document = read(client), client.get("/api/v1/openapi.json").json()
    described = {each["operationId"]: each for path in document["paths"].values() for each in path.values()}
    shown = {each["id"]: each for each in page.select("details.operation")}
    assert shown.keys() == described.keys()
    for name, section in shown.items():
        assert section.select_one(f"pre[aria-labelledby=curl-{name}]"), name
        statuses = [each.text for each in section.select(".statuses dt")]
        assert statuses == list(described[name]["responses"])


def test_the_command_of_a_prediction_is_one_that_is_answered(client, penguins):
    words = shlex.split(read(client).select_one("#predict_penguins pre").text)
    body, address = words[words.index("-d") + 1], words[-1]
    assert address == "http://testserver/api/v1/models/penguins/predict"
    answer = client.post(address, body, content_type="application/json")
    assert answer.json()["predictions"][0]["id"] == str(Prediction.objects.get().id)
    form = read(client).select_one("#predict_penguins form")
    assert json.loads(form.textarea.text) == json.loads(body)
    assert (form["data-method"], form["data-path"]) == ("POST", "/api/v1/models/penguins/predict")


def test_the_page_needs_nothing_from_elsewhere_and_nothing_inline(client, line):
    page = read(client)
    sources = [each.get("src") or each["href"] for each in page.select("script, link, img")]
    assert all(source.startswith(("/static/", "#")) for source in sources)
    assert not [each for each in page.select("script") if each.text.strip()]
    assert not page.select("style, [style]")
    assert not client.cookies


def test_the_page_speaks_the_languages_of_the_site_around_what_is_english(client, line, settings):
    settings.LANGUAGE, settings.OFFERED_LANGUAGES = "de", ["de"]
    page = read(client)
    assert page.html["lang"] == "de"
    assert page.select_one("label[for=key]").text == "Ihr Schlüssel, um Aufrufe auszuprobieren"
    assert page.select_one("#predict_line summary [lang=en]").text.startswith("A straight line: Predict")


def test_pages_lead_to_it(client, line):
    for address in ("/", "/about/line/"):
        page = BeautifulSoup(client.get(address).content, "html.parser")
        assert page.select_one("footer a[href='/api/docs']"), address


def test_a_site_that_needs_keys_shows_the_page_to_users_who_are_signed_in(client, line, settings, admin_user):
    settings.API_ACCESS = "keys"
    response = client.get("/api/docs")
    assert (response.status_code, response["Location"]) == (302, "/sign-in/?next=/api/docs")
    client.force_login(admin_user)
    page = read(client)
    assert "Needs a key with the scope predict" in page.select_one("#predict_line").text
    assert page.select_one("article.api")["data-token"]


def test_of_many_inputs_the_first_are_shown_and_the_others_are_counted():
    names = [f"n{number}" for number in range(150)]
    schema = {"type": "object", "properties": {name: {"type": "number"} for name in names}}
    operation = {
        "operationId": "a",
        "summary": "",
        "security": [{}],
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "Done."}},
    }
    document = {"components": {"schemas": {}, "responses": {}}}
    shown = show_operation(document, "/a", "POST", operation, "http://testserver")
    assert [field.name for field in shown.fields] == names[:100]
    assert shown.left_out == 50
