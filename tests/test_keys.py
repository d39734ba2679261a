"""API keys: what they may do, for how long, and what a process asks the database for."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.utils import timezone

from predictor.access import keys as keys_module
from predictor.access.callers import Forbidden, Scope, Unauthorized, identify
from predictor.access.keys import Keys, keys, make_key, revoke_key
from predictor.models import ApiKey

pytestmark = pytest.mark.django_db


def make(name="client", scopes=(Scope.PREDICT,), models=None, expires_at=None):
    return make_key(name, scopes=scopes, models=models, expires_at=expires_at, by="tests")


def send(header=None, user=None):
    request = RequestFactory().get("/", headers={} if header is None else {"Authorization": header})
    if user is not None:
        request.user = user
    return identify(request)


@pytest.mark.both_databases
def test_a_key_is_known_with_its_scopes_and_models():
    row, text = make(scopes=[Scope.READ, Scope.PREDICT], models=["penguins", "line"])
    caller = send(f"Bearer {text}")
    assert (caller.key.id, caller.key.name) == (row.id, "client")
    assert caller.models == {"line", "penguins"}
    caller.require(Scope.READ, "line")
    with pytest.raises(Forbidden, match="'client' does not have the scope 'outcome'"):
        caller.require(Scope.OUTCOME)
    with pytest.raises(Forbidden, match="'client' is not for the model 'houses'"):
        caller.require(Scope.PREDICT, "houses")


@pytest.mark.both_databases
def test_only_the_hash_of_a_key_is_stored_and_its_first_characters():
    row, text = make()
    stored = str(ApiKey.objects.values().get(id=row.id))
    assert len(text) == 50
    assert row.prefix in text
    assert text[12:] not in stored


GUESSES = ["", "x", f"mlsite_{'x' * 43}", "é\udce9", f"mlsite_{'é' * 43}", f"mlsite_{'x' * 43} x"]


@pytest.mark.parametrize("sent", GUESSES)
def test_a_key_that_is_unknown_is_refused_with_how_to_get_one(sent):
    with pytest.raises(Unauthorized, match=r"unknown, revoked or expired\..*createkey"):
        send(f"bearer {sent}")


def test_a_key_ends_at_its_time_in_a_process_that_holds_it():
    _, text = make(expires_at=timezone.now() + timedelta(hours=1))
    holding = Keys()
    holding.look()
    assert holding.find(text) is not None
    [(sha256, key)] = holding._by_hash.items()
    holding._by_hash[sha256] = type(key)(id=1, name="x", scopes=key.scopes, models=None, expires_at=1.0)
    assert holding.find(text) is None


def test_a_key_that_has_expired_is_refused():
    _, text = make(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Unauthorized):
        send(f"Bearer {text}")


def test_a_revoked_key_is_refused_and_keeps_by_whom_it_was_revoked():
    row, text = make()
    assert revoke_key(row, by="ada", reason="lost")
    assert not revoke_key(row, by="bob", reason="again")
    row.refresh_from_db()
    assert (row.revoked_by, row.reason) == ("ada", "lost")
    with pytest.raises(Unauthorized):
        send(f"Bearer {text}")


def test_known_keys_cost_no_query_each_and_guesses_only_the_first_ones(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(keys_module, "SECONDS_BETWEEN_LOOKS", 60)
    text = make()[1]
    assert keys.find(text)  # Its use is written, too.
    with django_assert_num_queries(0):
        assert all(keys.find(text) for _ in range(100))
    keys.forget()
    with django_assert_num_queries(2 + keys_module.MOST_LOOKS_FOR_UNKNOWN):  # The first look also reads the keys.
        assert not any(keys.find(f"mlsite_{number:043}") for number in range(100))


@pytest.mark.both_databases
def test_the_use_of_a_key_is_written_once_a_minute(django_assert_num_queries):
    row, text = make()
    assert keys.find(text) is not None
    row.refresh_from_db()
    assert abs(row.last_used_at - timezone.now()) < timedelta(minutes=1)
    with django_assert_num_queries(0):
        keys.find(text)
        keys.write_uses()

    def use_in_another_process(last_used_at):
        ApiKey.objects.update(last_used_at=last_used_at)
        Keys().find(text)
        row.refresh_from_db()
        return row.last_used_at

    lately, long_ago = (timezone.now() - timedelta(seconds=seconds) for seconds in (30, 61))
    assert use_in_another_process(lately) == lately
    assert use_in_another_process(long_ago) > lately


def test_in_a_worker_requests_wait_for_no_query_and_a_thread_looks_while_keys_are_in_use(
    monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(keys_module, "SECONDS_BEHIND", 60)
    monkeypatch.setattr(keys_module, "SECONDS_BETWEEN_LOOKS", 0)
    row, text = make()
    held = Keys()
    held.is_watched = True
    held.look()
    with django_assert_num_queries(0):
        assert held.find(text) is not None
    revoke_key(row, by="tests", reason="a test")
    held.refresh()
    row.refresh_from_db()
    assert row.last_used_at is not None
    with django_assert_num_queries(0):
        held.refresh()  # Nobody has sent a key since.
    assert held.find(text) is None


def test_other_kinds_of_authorization_are_those_of_a_proxy():
    assert not send("Basic dXNlcjpwYXNzd29yZA==").is_known
    with pytest.raises(Unauthorized, match=r"needs an API key\. Send one as"):
        send().require(Scope.PREDICT)


def test_a_signed_in_user_may_what_the_account_may(django_user_model):
    user = django_user_model.objects.create_user("ada")
    user.user_permissions.add(Permission.objects.get(codename="view_prediction"))
    caller = send(user=User.objects.get(pk=user.pk))
    caller.require(Scope.PREDICT, "line")
    caller.require(Scope.READ, "line")
    with pytest.raises(Forbidden, match=r"predictor\.add_outcome"):
        caller.require(Scope.OUTCOME)
    assert not send(user=AnonymousUser()).is_known


def test_where_a_key_was_sent_the_session_is_not_looked_at():
    _, text = make()
    assert send(f"Bearer {text}", user=User(is_superuser=True)).user is None


@pytest.fixture
def run(capsys):
    """Call a command; give what it printed to stdout and stderr."""

    def call(*arguments):
        call_command(*arguments)
        return capsys.readouterr()

    return call


@pytest.mark.both_databases
def test_a_key_is_printed_once_alone_and_is_valid_at_once(run, line):
    printed = run("createkey", "billing", "--scopes", "predict, read", "--models", "line", "--expires", "90d")
    assert re.fullmatch(r"mlsite_[\w-]{43}\n", printed.out)
    assert "billing may predict, read; models: line; valid until 20" in printed.err
    key = send(f"Bearer {printed.out.strip()}").key
    assert (key.name, key.scopes, key.models) == ("billing", {"predict", "read"}, {"line"})
    assert 89 < (key.expires_at - timezone.now().timestamp()) / 86_400 < 90

    [listed] = json.loads(run("keys", "--format", "json").out)
    assert (listed["name"], listed["state"], listed["models"]) == ("billing", "valid", ["line"])
    assert printed.out.strip() not in str(listed) + run("keys").out


def test_a_key_comes_as_json_with_what_is_stored(run):
    made = json.loads(run("createkey", "billing", "--scopes", "outcome", "--format", "json").out)
    assert (made["scopes"], made["models"], made["expires_at"]) == (["outcome"], None, None)
    assert send(f"Bearer {made['key']}").key.id == made["id"]


WRONG = [
    (["", "--scopes", "read"], "'' is not a name: give 1 to 100 printable characters"),
    (["a", "--scopes", "read,write"], "'write' is not a scope: choose from predict, read, outcome"),
    (["a", "--scopes", ","], "',' names nothing"),
    (["a", "--scopes", "read", "--expires", "5y"], "'5y' is not a length of time such as 90d"),
    (["a", "--scopes", "read", "--expires", "2020-01-01"], "'2020-01-01' is in the past"),
    (["a", "--scopes", "read", "--models", "line,lien"], "no model 'lien'; the models are: line"),
    (["taken", "--scopes", "read"], "a key has the name 'taken': choose another, or revoke that key first"),
]


def test_what_is_wrong_with_a_key_is_named_and_none_is_made(run, line):
    make("taken")
    for arguments, problem in WRONG:
        with pytest.raises(CommandError, match=re.escape(problem)):
            run("createkey", *arguments)
    assert ApiKey.objects.count() == 1


@pytest.mark.both_databases
def test_a_key_is_revoked_by_its_name_which_is_free_then(run):
    make("billing")
    assert "billing" in run("revokekey", "billing", "--reason", "lost").out
    with pytest.raises(CommandError, match="no key 'billing' to revoke; the keys are: none"):
        run("revokekey", "billing")
    make("billing")
    assert "revoked 20" in (listed := run("keys").out)
    assert "by command line: lost" in listed
