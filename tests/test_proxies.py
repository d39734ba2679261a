"""Requests that reached the site by a wrong address, and proxies that are not set up."""

import json
import logging

import pytest
from django.test import Client
from gunicorn.config import Config

from mlsite.proxies import SECURE_HEADERS
from tests.conftest import run_manage
from tests.test_api import LINE, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(caplog):
    """What is logged, one text for each record."""
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records if not record.exc_info]


@pytest.fixture
def production(settings):
    """A site in production behind a proxy, whose clients come over HTTPS."""
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["models.example"]
    return Client(headers={"host": "models.example"})


def test_a_foreign_host_is_refused_in_one_short_line_that_names_the_setting(production, line, lines):
    response = production.get("/", headers={"host": "evil.example:8000"})
    assert response.status_code == 400
    assert "ALLOWED_HOSTS" in response.content.decode()
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Length"] == str(len(response.content))
    assert lines() == ["refused: the Host header is “evil.example”, which ALLOWED_HOSTS does not name"]


def test_a_foreign_host_is_refused_as_json_to_the_api(production, line, lines):
    response = post(Client(headers={"host": "evil.example"}), {"inputs": {"x": 1}})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "host_not_allowed")
    assert "ALLOWED_HOSTS" in response.json()["error"]["message"]
    assert len(lines()) == 1


@pytest.mark.parametrize("host", ["a b", "evil\x1b[31m", "x" * 5_000, "[::1", ""])
def test_what_is_no_host_at_all_is_refused_in_one_short_line_too(production, lines, host):
    assert production.get("/", headers={"host": host}).status_code == 400
    [line] = lines()
    assert len(line) < 400
    assert line.isprintable()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["10.1.2.3:8000", "evil.example", "a b"])
def test_health_checks_answer_any_host_over_plain_http(production, line, path, host):
    assert production.get(path, headers={"host": host}).status_code == 200


def test_pages_over_plain_http_are_redirected(production, line):
    response = production.get("/about/line/?at=x")
    assert (response.status_code, response["Location"]) == (301, "https://models.example/about/line/?at=x")


def test_the_api_over_plain_http_is_refused_where_a_redirect_would_lose_the_post(production, line):
    response = post(production, {"inputs": {"x": 1}})
    assert (response.status_code, response["Content-Type"]) == (403, "application/json")
    error = json.loads(response.content)["error"]
    assert error["code"] == "https_required"
    assert "https://" in error["message"]


def test_the_api_over_https_answers(production, line):
    sent = {"data": json.dumps({"inputs": {"x": 1}}), "content_type": "application/json", "secure": True}
    assert production.post(LINE, **sent).status_code == 200


@pytest.mark.parametrize("path", ["/", LINE])
@pytest.mark.parametrize(
    "headers", [{"x-forwarded-proto": "https"}, {"x-forwarded-ssl": "on"}, {"x-forwarded-protocol": "ssl"}]
)
def test_a_proxy_that_is_not_trusted_gets_a_refusal_and_no_endless_redirect(production, line, lines, path, headers):
    response = production.post(path, headers=headers, REMOTE_ADDR="10.0.0.5")
    assert response.status_code == 403
    assert "FORWARDED_ALLOW_IPS" in response.content.decode()
    assert lines() == ["refused: “10.0.0.5” forwards a request over HTTPS, but FORWARDED_ALLOW_IPS does not name it"]


def test_what_gunicorn_takes_for_https_is_what_is_refused_without_trust():
    names = {f"HTTP_{name.replace('-', '_')}": value for name, value in Config().secure_scheme_headers.items()}
    assert names == SECURE_HEADERS


@pytest.mark.parametrize("path", ["/", LINE])
@pytest.mark.parametrize("scheme", ["https, http", "HTTPS"])
def test_a_scheme_that_gunicorn_does_not_know_gets_a_refusal_and_no_endless_redirect(
    production, line, lines, path, scheme
):
    response = production.post(path, headers={"x-forwarded-proto": scheme})
    assert response.status_code == 403
    assert f"X-Forwarded-Proto to “{scheme}”" in response.content.decode()
    assert lines() == [f"refused: X-Forwarded-Proto is “{scheme}”, and must be https alone"]


def read_settings(**environment):
    """Settings as a process with this environment has them; those that are empty keep .env from giving them."""
    names = ["ALLOWED_HOSTS", "SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_PATH", "CSRF_TRUSTED_ORIGINS"]
    code = f"import json; from django.conf import settings; print(json.dumps([getattr(settings, n) for n in {names}]))"
    empty = {"ALLOWED_HOSTS": "", "HOST": "", "DYNO": "", "CSRF_TRUSTED_ORIGINS": ""}
    if "DYNO" not in environment:
        del empty["DYNO"]
    done = run_manage("shell", "--no-imports", "-c", code, **{**empty, **environment})
    return dict(zip(names, json.loads(done.stdout), strict=True))


OWN = ["localhost", ".localhost", "127.0.0.1", "[::1]"]


@pytest.mark.parametrize(
    ("environment", "hosts"),
    [
        ({}, OWN),
        ({"HOST": "0.0.0.0"}, OWN),  # noqa: S104  # Nothing listens there.
        ({"HOST": "192.168.1.5"}, [*OWN, "192.168.1.5"]),
        ({"ALLOWED_HOSTS": "a.example, b.example"}, ["a.example", "b.example"]),
    ],
)
def test_hosts_are_this_machines_own_unless_they_are_named(environment, hosts):
    assert read_settings(**environment)["ALLOWED_HOSTS"] == hosts


def test_in_production_cookies_are_bound_to_the_host():
    found = read_settings(DEPLOYMENT="production", CSRF_TRUSTED_ORIGINS="https://a.example")
    assert (found["SESSION_COOKIE_NAME"], found["CSRF_COOKIE_NAME"]) == ("__Host-sessionid", "__Host-csrftoken")
    assert found["SESSION_COOKIE_PATH"] == "/"
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://a.example"]
