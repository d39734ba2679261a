"""Who may predict by the API: everybody, or whoever has a key."""

import json
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from predictor.access import keys as keys_module
from predictor.access.callers import read_api_access
from predictor.access.keys import Scope, make_key
from predictor.models import Prediction, Site
from predictor.web.telemetry import name_error

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def ask(client, key=None, headers=None):
    headers = {"Authorization": f"Bearer {key}"} if key else headers
    body = json.dumps({"inputs": {"x": 5}})
    return client.post("/api/v1/models/line/predict", body, content_type="application/json", headers=headers)


def make(*scopes, models=None):
    return make_key("client", scopes=scopes, models=models, expires_at=None, by="tests")[1]


def read_error(answer):
    return answer.status_code, answer.json()["error"]["code"]


def keep_public():
    migration = import_module("predictor.migrations.0023_api_access")
    migration.keep_public(apps, SimpleNamespace(connection=connection))


def find_warnings():
    return {problem.id for problem in run_checks(databases=["default"])}


def test_where_keys_are_needed_a_key_with_the_scope_predicts_and_nothing_else_does(client, line, settings):
    settings.API_ACCESS = "keys"
    refused = ask(client)
    assert read_error(refused) == (401, "unauthorized")
    assert refused["WWW-Authenticate"] == "Bearer"
    assert name_error(refused) == "unauthorized"  # What /metrics counts.
    assert "Authorization: Bearer mlsite_…" in refused.json()["error"]["message"]
    assert "manage.py createkey" in refused.json()["error"]["message"]
    assert read_error(ask(client, headers={"Authorization": "Basic dXNlcjpwYXNz"})) == (401, "unauthorized")
    assert not Prediction.objects.exists()

    assert ask(client, make(Scope.PREDICT, models=["line"])).status_code == 200
    assert Prediction.objects.get().source == "api"


def test_a_key_that_is_sent_is_judged_also_where_none_is_needed(client, line, settings):
    settings.API_ACCESS = "public"
    assert ask(client).status_code == ask(client, headers={"Authorization": "Basic dXNlcjpwYXNz"}).status_code == 200
    assert read_error(ask(client, f"mlsite_{'x' * 43}")) == (401, "unauthorized")
    key = make(Scope.READ, models=["penguins"])
    assert read_error(ask(client, key)) == (403, "forbidden")
    assert "does not have the scope 'predict'" in ask(client, key).json()["error"]["message"]


def test_a_key_for_another_model_is_refused_by_name_before_the_body_is_read(client, line, settings):
    settings.API_ACCESS = "keys"
    refused = ask(client, make(Scope.PREDICT, models=["penguins"]))
    assert read_error(refused) == (403, "forbidden")
    assert refused.json()["error"]["message"] == "The API key 'client' is not for the model 'line'."


def test_where_keys_are_needed_a_signed_in_user_predicts_with_the_token_also_behind_a_proxy_that_asks_for_a_password(
    line, settings, django_user_model
):
    settings.API_ACCESS = "keys"
    client = Client(enforce_csrf_checks=True)
    client.force_login(django_user_model.objects.create_user("ada"))
    client.get("/admin/login/")
    password = {"Authorization": "Basic dXNlcjpwYXNz"}
    assert read_error(ask(client, headers=password)) == (403, "token_missing")
    token = {"X-CSRFToken": client.cookies["csrftoken"].value}
    assert ask(client, headers=password | token).status_code == 200


def test_neither_a_key_nor_its_absence_costs_a_prediction_a_query(client, line, settings, monkeypatch):
    monkeypatch.setattr(keys_module, "SECONDS_BETWEEN_LOOKS", 60)
    settings.API_ACCESS = "public"
    key = make(Scope.PREDICT)
    asked = []
    for sent in (key, None, key, None):
        with CaptureQueriesContext(connection) as queries:
            ask(client, sent)
        asked.append([each["sql"] for each in queries])
    assert any("apikey" in sql for sql in asked[0])
    assert not any("apikey" in sql or "api_access" in sql for sql in [*asked[1], *asked[2], *asked[3]])


def test_a_new_site_needs_keys_where_nothing_is_set(client, line, settings):
    settings.API_ACCESS = ""
    keep_public()
    assert ask(client).status_code == 401
    assert "predictor.W007" not in find_warnings()


def test_a_site_that_was_open_stays_so_and_is_warned_until_it_has_decided(client, line, settings):
    assert ask(client).status_code == 200
    Site.objects.find()
    keep_public()
    read_api_access.cache_clear()
    settings.API_ACCESS = ""
    assert ask(client).status_code == 200
    assert "predictor.W007" in find_warnings()
    settings.API_ACCESS = "keys"
    assert ask(client).status_code == 401
    assert "predictor.W007" not in find_warnings()


def test_an_access_that_is_neither_is_named(settings):
    settings.API_ACCESS = "open"
    [problem] = [each for each in run_checks() if each.id == "predictor.E035"]
    assert "'open'" in problem.msg
