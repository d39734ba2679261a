"""Who tries to sign in too often waits, and nobody else does."""

import time
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from mlsite.middleware import SECONDS_BETWEEN_RENEWALS
from predictor import threads
from predictor.access import sign_in
from predictor.access.sign_in import ACCOUNT, ACCOUNT_AT_ADDRESS, ADDRESS, KNOWN, count_attempt, note_success
from predictor.models import RateWindow

pytestmark = pytest.mark.django_db

HERE, THERE = "198.51.100.7", "203.0.113.9"
RIGHT, WRONG = "a long and good one", "a wrong one"


@pytest.fixture(autouse=True)
def fresh_process():
    sign_in._refused.clear()
    yield
    sign_in._refused.clear()


@pytest.fixture(autouse=True)
def hashed(monkeypatch):
    """How many passwords were hashed."""
    calls = []

    def call(work):
        calls.append(1)
        return work()

    monkeypatch.setattr(threads, "_run", call)
    return calls


@pytest.fixture
def grace(hashed):
    user = User.objects.create_user("grace", password=RIGHT, is_staff=True)
    hashed.clear()
    return user


def try_to_sign_in(account="grace", password=WRONG, address=HERE):
    return Client().post("/admin/login/?next=/admin/", {"username": account, "password": password}, REMOTE_ADDR=address)


def list_lines(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "predictor.access.sign_in"]


@pytest.mark.both_databases
def test_who_signs_in_is_let_in(grace):
    response = try_to_sign_in(password=RIGHT)
    assert (response.status_code, response["Location"]) == (302, "/admin/")


@pytest.mark.both_databases
def test_after_too_many_tries_nothing_is_hashed_and_the_page_says_when_to_come_again(grace, hashed):
    statuses = [try_to_sign_in().status_code for _ in range(ACCOUNT_AT_ADDRESS.most)]
    assert statuses == [200] * ACCOUNT_AT_ADDRESS.most
    hashed.clear()
    refused = try_to_sign_in(password=RIGHT)
    assert refused.status_code == 429
    assert 800 < int(refused["Retry-After"]) <= ACCOUNT_AT_ADDRESS.seconds
    page = refused.content.decode()
    assert "Too many attempts to sign in. Try again in 15 minutes." in page
    assert 'name="password"' in page
    assert not hashed


def test_an_account_that_does_not_exist_is_hashed_for_and_refused_as_any_other(hashed):
    statuses = [try_to_sign_in("ghost").status_code for _ in range(ACCOUNT_AT_ADDRESS.most + 1)]
    assert statuses == [200] * ACCOUNT_AT_ADDRESS.most + [429]
    assert len(hashed) == ACCOUNT_AT_ADDRESS.most


def test_whoever_guesses_from_elsewhere_does_not_lock_the_owner_out(grace):
    for _ in range(ACCOUNT_AT_ADDRESS.most + 3):
        try_to_sign_in(address=THERE)
    assert try_to_sign_in(password=RIGHT, address=HERE).status_code == 302


def test_an_address_has_a_limit_for_all_accounts_together(grace, hashed):
    for number in range(ADDRESS.most):
        assert try_to_sign_in(f"account {number}").status_code == 200
    hashed.clear()
    assert try_to_sign_in(password=RIGHT).status_code == 429
    assert not hashed
    assert try_to_sign_in(password=RIGHT, address=THERE).status_code == 302


def test_an_address_that_this_process_has_refused_costs_the_database_nothing(django_assert_num_queries):
    for number in range(ADDRESS.most + 1):
        try_to_sign_in(f"account {number}")
    with django_assert_num_queries(0):
        assert try_to_sign_in().status_code == 429


def test_what_a_process_remembers_of_refused_addresses_is_bounded(monkeypatch):
    monkeypatch.setattr(sign_in, "MOST_REMEMBERED", 3)
    monkeypatch.setattr(sign_in, "ADDRESS", sign_in.Rate(most=0, seconds=60))
    for number in range(10):
        assert count_attempt("grace", f"198.51.100.{number}") > 0
    assert len(sign_in._refused) <= 3


def test_an_account_has_a_limit_for_all_addresses_together_which_spares_where_it_signed_in_lately():
    note_success("grace", HERE)
    waits = [count_attempt("grace", f"203.0.113.{number}") for number in range(ACCOUNT.most + 1)]
    assert waits[: ACCOUNT.most] == [0] * ACCOUNT.most
    assert 0 < waits[-1] <= ACCOUNT.seconds
    assert count_attempt("grace", HERE) == 0
    assert KNOWN.seconds > ACCOUNT.seconds


def test_tries_that_one_address_makes_in_vain_use_up_few_of_the_accounts():
    for _ in range(10 * ACCOUNT_AT_ADDRESS.most):
        count_attempt("grace", THERE)
    left = [
        count_attempt("grace", f"203.0.113.{100 + number}") for number in range(ACCOUNT.most - ACCOUNT_AT_ADDRESS.most)
    ]
    assert set(left) == {0}


def test_signing_in_forgets_the_accounts_tries_and_is_not_counted_for_the_address(grace):
    for _ in range(2 * ADDRESS.most):
        assert try_to_sign_in(password=RIGHT).status_code == 302
    for _ in range(ACCOUNT_AT_ADDRESS.most - 1):
        try_to_sign_in()
    assert try_to_sign_in(password=RIGHT).status_code == 302
    assert try_to_sign_in().status_code == 200


def test_signing_in_to_one_account_gives_no_further_tries_for_another(grace):
    User.objects.create_user("mallory", password=RIGHT, is_staff=True)
    for _ in range(ACCOUNT_AT_ADDRESS.most):
        try_to_sign_in()
        try_to_sign_in("mallory", RIGHT)
    assert try_to_sign_in().status_code == 429


def test_a_window_that_is_over_lets_everybody_try_again(grace):
    for _ in range(ACCOUNT_AT_ADDRESS.most + 1):
        try_to_sign_in()
    RateWindow.objects.update(ends_at=1)
    assert try_to_sign_in(password=RIGHT).status_code == 302


def test_failures_are_logged_in_one_line_without_the_password(grace, caplog):
    try_to_sign_in("grace\n2026 ERROR forged" + "x" * 500, "my secret")
    [line] = list_lines(caplog)
    assert line.startswith("sign-in failed: account “grace")
    assert line.endswith(f", address {HERE}")
    assert "\n" not in line
    assert len(line) < 300
    assert "my secret" not in caplog.text


def test_refusals_are_logged_once_a_window(grace, caplog):
    for _ in range(ACCOUNT_AT_ADDRESS.most + 4):
        try_to_sign_in()
    [refusal] = [line for line in list_lines(caplog) if "refused" in line]
    assert refusal == (
        f"sign-in by account and address is refused for 900 s after 5 attempts: account “grace”, address {HERE}"
    )
    assert "Too Many Requests" not in caplog.text


def test_an_account_that_may_not_enter_the_admin_is_counted_as_a_failure(grace, caplog):
    User.objects.create_user("visitor", password=RIGHT)
    assert try_to_sign_in("visitor", RIGHT).status_code == 200
    assert len(list_lines(caplog)) == 1


def test_an_empty_form_is_not_counted(grace):
    assert try_to_sign_in("", "").status_code == 200
    assert not RateWindow.objects.exists()


def test_hashes_that_django_made_verify_and_are_not_made_anew():
    stored = PBKDF2PasswordHasher().encode(RIGHT, "s" * 22, 10)
    assert stored.startswith("pbkdf2_sha256$")
    rewritten = []
    assert check_password(RIGHT, stored, setter=rewritten.append)
    assert not check_password(WRONG, stored)
    assert rewritten == []


def test_hashes_of_ours_are_djangos():
    assert PBKDF2PasswordHasher().verify(RIGHT, make_password(RIGHT))


def test_a_password_can_be_changed_in_the_admin(grace, client):
    client.force_login(grace)
    fields = {"old_password": RIGHT, "new_password1": "another good one", "new_password2": "another good one"}
    assert client.post("/admin/password_change/", fields).status_code == 302
    assert try_to_sign_in(password="another good one").status_code == 302


def sign_in_grace():
    client = Client()
    client.post("/admin/login/", {"username": "grace", "password": RIGHT})
    return client


@pytest.mark.parametrize("next", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_who_signs_in_with_a_next_that_is_refused_comes_to_a_page_that_exists(grace, next):
    sent = {"username": "grace", "password": RIGHT, "next": next}
    response = Client().post("/admin/login/", sent, follow=True)
    assert response.redirect_chain == [("/admin/", 302)]
    assert response.status_code == 200


def test_a_session_ends_a_day_after_its_last_use(grace, settings):
    client = sign_in_grace()
    assert client.cookies["sessionid"]["max-age"] == 24 * 3600
    Session.objects.update(expire_date=timezone.now() + timedelta(minutes=5))
    make_older(client, seconds=SECONDS_BETWEEN_RENEWALS + 1)
    assert client.get("/admin/").cookies["sessionid"]["max-age"] == 24 * 3600
    assert Session.objects.get().expire_date > timezone.now() + timedelta(hours=23)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get("/admin/").status_code == 302


def test_a_session_that_was_just_used_is_not_written_again(grace):
    client = sign_in_grace()
    client.get("/admin/")
    assert "sessionid" not in client.get("/admin/").cookies


def test_what_caches_may_keep_renews_no_session(grace, line):
    client = sign_in_grace()
    make_older(client, seconds=SECONDS_BETWEEN_RENEWALS + 1)
    response = client.get("/about/line/1/residuals.svg")
    assert response.status_code == 200
    assert "public" in response["Cache-Control"]
    assert not response.cookies


def test_a_session_that_cannot_be_read_is_an_outage_and_no_fault(grace, line):
    client = sign_in_grace()

    def lose_sessions(execute, sql, *arguments):
        if "django_session" in sql:
            raise OperationalError("the database is away")
        return execute(sql, *arguments)

    with connection.execute_wrapper(lose_sessions):
        assert client.get("/about/line/").status_code == 503


def test_a_session_whose_use_cannot_be_written_opens_pages_nevertheless(grace):
    client = sign_in_grace()
    make_older(client, seconds=SECONDS_BETWEEN_RENEWALS + 1)

    def lose_writes(execute, sql, *arguments):
        if sql.startswith("UPDATE") and "django_session" in sql:
            raise OperationalError("the database is read-only")
        return execute(sql, *arguments)

    with connection.execute_wrapper(lose_writes):
        assert client.get("/admin/").status_code == 200
    assert client.get("/admin/").cookies["sessionid"]["max-age"] == 24 * 3600


def make_older(client, *, seconds):
    """Let the last use of a client's session be so long ago."""
    session = client.session
    session["used_at"] = int(time.time()) - seconds
    session.save()
