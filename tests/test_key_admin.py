"""API keys in the admin: shown once, never more than their maker may do, and revoked with a reason."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from predictor.access.callers import Scope
from predictor.access.keys import keys, make_key
from predictor.models import ApiKey
from tests.staff import sign_in

pytestmark = pytest.mark.django_db
ADD, LIST = "/admin/predictor/apikey/add/", "/admin/predictor/apikey/"
GIVEN = {"name": "billing", "scopes": ["predict", "read"], "models": ["line"], "expires": "2999-01-31"}


def make(name="billing", models=None):
    return make_key(name, scopes=[Scope.PREDICT], models=models, expires_at=None, by="tests")[0]


def read(response):
    return response.content.decode()


@pytest.mark.both_databases
def test_a_key_is_shown_once_in_a_page_that_nothing_keeps(admin_client, line, caplog):
    made = admin_client.post(ADD, GIVEN)
    [text] = re.findall(r"mlsite_[\w-]{43}", read(made))
    assert "no-store" in made["Cache-Control"]
    assert keys.find(text).models == {"line"}
    row = ApiKey.objects.get()
    assert (row.scopes, row.made_by, f"{row.expires_at:%F %R}") == (["predict", "read"], "admin", "2999-01-31 00:00")

    kept = [str(Session.objects.get().get_decoded()), str(admin_client.cookies), caplog.text]
    shown = [read(admin_client.get(address)) for address in (LIST, f"{LIST}{row.id}/change/", ADD)]
    for where in [*kept, *shown]:
        assert text[12:] not in where
        assert row.sha256 not in where
    assert row.prefix in shown[0]


def test_a_form_that_is_sent_again_makes_no_second_key(admin_client, line):
    admin_client.post(ADD, GIVEN)
    assert "A key has this name" in read(admin_client.post(ADD, GIVEN))
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"name": ""}, "This field is required."),
        ({"scopes": []}, "This field is required."),
        ({"models": ["lien"]}, "lien is not one of the available choices."),
        ({"expires": "2020-01-01"}, "This day has begun already"),
    ],
)
def test_what_is_wrong_with_a_new_key_is_said_at_its_field(admin_client, line, wrong, problem):
    assert problem in read(admin_client.post(ADD, GIVEN | wrong))
    assert not ApiKey.objects.exists()


def test_where_no_model_is_chosen_a_key_is_for_all(admin_client, line):
    admin_client.post(ADD, GIVEN | {"models": [], "expires": ""})
    row = ApiKey.objects.get()
    assert (row.only_models, row.expires_at) == (None, None)


def test_nobody_makes_a_key_that_may_more_than_its_maker(line, penguins):
    client = sign_in("add_apikey", "view_apikey", models=["line"])
    page = read(client.get(ADD))
    assert 'value="predict"' in page
    assert 'value="read"' not in page
    assert "penguins" not in page
    for wrong in ({"scopes": ["predict"], "models": []}, {"scopes": ["read"]}, {"models": ["penguins"]}):
        client.post(ADD, GIVEN | {"scopes": ["predict"]} | wrong)
    assert not ApiKey.objects.exists()
    client.post(ADD, GIVEN | {"scopes": ["predict"]})
    assert ApiKey.objects.get().only_models == ["line"]


def test_a_user_of_some_models_sees_and_revokes_the_keys_for_these_alone(line):
    own, other, all_models = make("own", ["line"]), make("other", ["line", "penguins"]), make("all")
    client = sign_in("view_apikey", "change_apikey", models=["line"])
    page = read(client.get(LIST))
    assert "own" in page
    assert other.prefix not in page
    assert all_models.prefix not in page
    assert client.post(f"{LIST}{other.id}/revoke/", {"reason": "x"}).status_code == 404
    assert client.post(f"{LIST}{own.id}/revoke/", {"reason": "x"}).status_code == 302


def test_a_key_is_revoked_for_a_reason_in_the_users_name(admin_client):
    row = make()
    address = f"{LIST}{row.id}/revoke/"
    assert address in read(admin_client.get(f"{LIST}{row.id}/change/"))
    assert "This field is required." in read(admin_client.post(address, {"reason": " "}))
    page = read(admin_client.post(address, {"reason": "it was in a log"}, follow=True))
    assert "Revoked: billing" in page
    assert address not in page
    row.refresh_from_db()
    assert (row.state, row.revoked_by, row.reason) == ("revoked", "admin", "it was in a log")


def test_who_may_only_look_neither_makes_nor_revokes_a_key():
    row, client = make(), sign_in("view_apikey")
    assert client.get(f"{LIST}{row.id}/change/").status_code == 200
    assert client.get(ADD).status_code == client.post(ADD, GIVEN).status_code == 403
    assert client.post(f"{LIST}{row.id}/revoke/", {"reason": "x"}).status_code == 403
    assert client.post(f"{LIST}{row.id}/delete/", {"post": "yes"}).status_code == 403
    assert Client().get(LIST).status_code == 302


def test_the_list_shows_keys_by_their_state(admin_client):
    make("used")
    old = make("old")
    ApiKey.objects.filter(id=old.id).update(revoked_at="2026-01-01T00:00Z")
    listed = {state: read(admin_client.get(f"{LIST}?state={state}")) for state in ("valid", "expired", "revoked")}
    assert [state for state, page in listed.items() if ">used<" in page] == ["valid"]
    assert [state for state, page in listed.items() if ">old<" in page] == ["revoked"]
