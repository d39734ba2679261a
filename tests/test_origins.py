"""Why a form could not be verified: the page names the true cause."""

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from predictor.models import Prediction

pytestmark = pytest.mark.django_db
TOKEN = "a" * 32
OTHER = "https://a-long-name-that-is-not-cut.other.example"


@pytest.fixture
def send(line):
    """Send a form with a valid token and these headers; give the hint of the page that refuses it."""

    def send(*, secure=False, **headers):
        client = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
        client.cookies["csrftoken"] = TOKEN
        response = client.post("/", {"x": "1", "csrfmiddlewaretoken": TOKEN}, secure=secure, headers=headers)
        assert (response.status_code, Prediction.objects.count()) == (403, 0)
        return response.content.decode()

    return send


def test_an_origin_that_the_browser_hides_is_named(send):
    assert "Origin: null" in send(origin="null")


@pytest.mark.parametrize("headers", [{"origin": OTHER}, {"referer": f"{OTHER}/form/"}])
def test_another_host_is_named_with_the_setting_that_would_trust_it(send, headers):
    page = send(secure=True, **headers)
    assert "from “https://a-long-name-that-is-not-cut.other.example”" in page
    assert "this site is https://localhost" in page
    assert "CSRF_TRUSTED_ORIGINS" in page


def test_plain_http_behind_tls_is_named_with_the_setting_of_the_proxy(send):
    page = send(origin="https://localhost")
    assert "arrived as http://localhost" in page
    assert "FORWARDED_ALLOW_IPS" in page


@pytest.mark.parametrize("headers", [{"origin": "http://localhost"}, {"referer": "http://localhost/"}])
def test_a_page_that_was_opened_over_plain_http_is_named(send, headers):
    assert "this site is https://localhost" in send(secure=True, **headers)


def test_headers_that_are_missing_are_named(send):
    assert "neither an Origin nor a Referer" in send(secure=True)


@pytest.mark.parametrize("origin", ["nonsense", "http://[", "\x1b[31m"])
def test_an_origin_that_is_none_breaks_nothing(send, origin):
    assert "The form was sent from" in send(origin=origin)


def test_a_cookie_that_is_missing_is_named(line):
    page = Client(enforce_csrf_checks=True).post("/", {"x": "1", "csrfmiddlewaretoken": TOKEN})
    assert "did not send the cookie" in page.content.decode()


def test_a_form_that_is_older_than_the_cookie_is_named(line):
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = TOKEN
    refused = client.post("/line/try/", {"x": "1.5", "csrfmiddlewaretoken": "b" * 32})
    assert "older than the cookie" in refused.content.decode()


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_what_was_typed_in_a_form_that_is_older_than_the_cookie_is_sent_once_more(line, headers):
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = TOKEN
    refused = client.post("/", {"x": "1.5", "csrfmiddlewaretoken": "b" * 32}, headers=headers)
    assert (refused.status_code, Prediction.objects.count()) == (403, 0)
    assert refused.get("HX-Retarget") == ("#main" if headers else None)
    form = BeautifulSoup(refused.content, "html.parser").select_one("form.predict")
    assert "What you typed is here: send it again." in form.text
    sent = {field["name"]: field["value"] for field in form.select("input")}
    assert sent["x"] == "1.5"
    assert client.post(form["action"], sent).status_code == 303


def test_an_origin_that_a_setting_trusts_may_send_forms(line, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://other.example"]
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = TOKEN
    sent = {"x": "1", "csrfmiddlewaretoken": TOKEN}
    assert client.post("/", sent, headers={"origin": "https://other.example"}).status_code == 303
