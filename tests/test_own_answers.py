"""A browser's own last answers, and two answers side by side."""

from http.cookies import SimpleCookie

import pytest
from bs4 import BeautifulSoup

from predictor.models import Prediction
from predictor.web.own_answers import MOST_ANSWERS
from tests.test_predict_journey import PENGUIN

pytestmark = pytest.mark.django_db


def read(response):
    return BeautifulSoup(response.content, "html.parser")


def ask(client, x):
    return client.post("/", {"x": x})["Location"]


def list_links(client):
    return [link["href"] for link in read(client.get("/predictions/")).select("ol.own a.what")]


def test_a_browser_lists_its_own_answers_newest_first_and_no_others(client, line):
    other = ask(client, "1")
    client.cookies = SimpleCookie()
    mine = [ask(client, x) for x in ("2", "3")]
    page = read(client.get("/predictions/"))
    assert list_links(client) == mine[::-1]
    assert other not in page.text
    assert page.select_one("ol.own bdi").text == "A straight line"


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_the_list_is_a_cookie_that_scripts_and_other_sites_do_not_get(client, line, settings, headers):
    settings.SESSION_COOKIE_SECURE = True
    cookie = client.post("/", {"x": "5"}, headers=headers).cookies["answers"]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
    assert 0 < int(cookie["max-age"]) <= 31 * 24 * 3600


def test_the_list_is_bounded(client, line):
    addresses = [ask(client, x) for x in range(MOST_ANSWERS + 3)]
    assert list_links(client) == addresses[::-1][:MOST_ANSWERS]
    assert len(client.cookies["answers"].value) < 600


@pytest.mark.parametrize("forged", ["", "x", "AAAA:BBBB", "é", "A" * 4_000])
def test_a_list_that_this_site_did_not_sign_is_ignored(client, line, forged):
    ask(client, "1")
    client.cookies["answers"] = forged
    assert list_links(client) == []
    address = ask(client, "2")
    assert list_links(client) == [address]


def test_the_list_is_erased_and_the_predictions_stay(client, line):
    ask(client, "1")
    response = client.post("/predictions/")
    assert (response.status_code, response["Location"]) == (303, "/predictions/")
    assert client.cookies["answers"].value == ""
    assert "no answers yet" in client.get("/predictions/").content.decode()
    assert Prediction.objects.count() == 1


def test_a_setting_switches_the_list_off(client, line, settings):
    settings.OWN_HISTORY = False
    page = read(client.get(ask(client, "1")))
    assert "answers" not in client.cookies
    assert client.get("/predictions/").status_code == 404
    assert page.select("a[href='/predictions/']") == []


def test_two_answers_stand_side_by_side_with_what_differs_marked(client, penguins):
    first = client.post("/penguins/", PENGUIN)["Location"]
    second = client.post("/penguins/", {**PENGUIN, "sex": "", "bill_length_mm": "38"})["Location"]
    one, other = Prediction.objects.order_by("id")
    chosen = read(client.get(f"{first}compare/"))
    link = chosen.select_one(".choices a")["href"]
    assert link == f"{first}compare/{other.id}/"
    page = read(client.get(link))
    marked = [row.th.bdi.text for row in page.select("tbody tr.differs")]
    assert marked == ["Bill length", "Sex"]
    assert page.select_one("tr.differs mark").text == "differs"
    assert [cell.text for cell in page.select("tr.differs td")] == ["50\u00a0mm", "38\u00a0mm", "male", "–"]
    assert [a["href"] for a in page.select("thead a")] == [first, second]
    assert page.text.count("Palmer penguins, version 1") == 2
    assert one.output in page.text


@pytest.mark.parametrize("kept", [True, False])
def test_any_other_answer_is_compared_by_its_link(client, line, settings, kept):
    settings.OWN_HISTORY = kept
    first, second = (ask(client, x) for x in ("1", "2"))
    client.cookies = SimpleCookie()
    assert read(client.get(f"{first}compare/")).select(".choices") == []
    response = client.get(f"{first}compare/", {"with": f"https://models.example{second}"})
    assert response["Location"] == f"{first}compare/{second.split('/')[2]}/"
    assert client.get(response["Location"]).status_code == 200
    wrong = client.get(f"{first}compare/", {"with": "<b>"}).content.decode()
    assert "“&lt;b&gt;” is not the link of an answer" in wrong


def test_answers_of_two_models_are_compared_by_the_inputs_that_each_has(client, line, penguins):
    first, second = ask(client, "1"), client.post("/penguins/", PENGUIN)["Location"]
    page = read(client.get(f"{first}compare/{second.split('/')[2]}/"))
    values = {row.th.bdi.text: [cell.text for cell in row.select("td")] for row in page.select("tbody tr:has(th bdi)")}
    assert values["x"] == ["1", "–"]
    assert values["Island"] == ["–", "Biscoe"]


def test_what_does_not_exist_is_compared_with_nothing(client, line):
    first = ask(client, "1")
    missing = "01890000-0000-7000-8000-000000000000"
    assert client.get(f"{first}compare/{missing}/").status_code == 404
    assert client.get(f"/predictions/{missing}/compare/").status_code == 404
