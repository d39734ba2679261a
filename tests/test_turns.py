"""Visitors do not notice who signs in, or what reviewers look at."""

import hashlib
import http.client
import itertools
import random
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

import psycopg2
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection

from mlsite import turns
from mlsite.pooled.pool import Pool
from mlsite.turns import Turns
from predictor import threads
from predictor.exceptions import Overloaded
from predictor.models import Prediction
from tests.conftest import ROOT, make_database_url
from tests.load import HEADERS, TOKEN
from tests.together import Background, wait_until

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's worker has threads and no pool")
GUESS = urlencode({"csrfmiddlewaretoken": TOKEN, "username": "grace", "password": "a guess"})


def ask(address, method, path, body=None, headers=HEADERS):
    """The status of an answer, and how many seconds it took."""
    started = time.monotonic()
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)) as client:
        client.request(method, path, body, headers)
        response = client.getresponse()
        response.read()
    return response.status, time.monotonic() - started


class Crowd(Background):
    """Clients that do the same again and again until they have left; what came of each time."""

    def __init__(self, number, do):
        self.number, self.do, self.results = number, do, []

    def list_works(self):
        return [self._run] * self.number

    def _run(self):
        while not self.is_over.is_set():
            self.results.append(self.do())

    def count(self, status):
        return sum(found == status for found, _ in self.results)


@pytest.fixture
def site(serve, line):
    def start(**environment):
        return serve(WEB_CONCURRENCY="1", **environment).wait_until("/readyz").address

    return start


def measure_hash():
    started = time.monotonic()
    hashlib.pbkdf2_hmac("sha256", b"a guess", b"salt", PBKDF2PasswordHasher.iterations)
    return time.monotonic() - started


@pytest.mark.both_databases
def test_visitors_go_on_while_others_try_to_sign_in(site):
    address = site(FORWARDED_ALLOW_IPS="*")

    def guess():
        """Each time from another address, so that only the hashing itself is limited."""
        client = ".".join(str(random.randrange(1, 255)) for _ in range(4))  # noqa: S311  # Any will do.
        return ask(address, "POST", "/admin/login/", GUESS, {**HEADERS, "X-Forwarded-For": client})

    with (
        Crowd(8, guess) as guessing,
        Crowd(1, lambda: ask(address, "GET", "/about/line/")) as visiting,
    ):
        wait_until(lambda: guessing.count(HTTPStatus.OK) >= 5 and len(visiting.results) >= 20)
        visits, hashes = len(visiting.results), guessing.count(HTTPStatus.OK)
        hashing = measure_hash()
    # Where a hash holds the worker, a visitor is served twice a hash, however busy the machine is.
    assert visits > 6 * hashes
    assert visiting.count(HTTPStatus.OK) == len(visiting.results)
    waits = [seconds for _, seconds in visiting.results]
    assert statistics.median(waits) < hashing / 2
    # Where a hash holds the worker, each request waits for those of eight clients.
    assert max(waits) < max(1, 3 * hashing)
    assert {status for status, _ in guessing.results} <= {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}


@pytest.mark.both_databases
def test_who_tries_too_often_is_refused_in_every_process(serve, line):
    address = serve(WEB_CONCURRENCY="2").wait_until("/readyz").address
    statuses = [ask(address, "POST", "/admin/login/", GUESS)[0] for _ in range(8)]
    assert statuses == [HTTPStatus.OK] * 5 + [HTTPStatus.TOO_MANY_REQUESTS] * 3


@pytest.mark.both_databases
@pytest.mark.parametrize("is_refused_by_now", [False, True])
def test_who_guesses_hinders_nobody_else_to_sign_in(site, django_user_model, is_refused_by_now):
    django_user_model.objects.create_user("ada", password="hers alone", is_staff=True)
    address = site(FORWARDED_ALLOW_IPS="*")
    right = urlencode({"csrfmiddlewaretoken": TOKEN, "username": "ada", "password": "hers alone"})
    from_there, from_here = ({**HEADERS, "X-Forwarded-For": client} for client in ("203.0.113.9", "198.51.100.7"))
    numbers = itertools.count()

    def guess():
        """As fast as can be, or of many accounts, so that all of them are hashed."""
        body = GUESS if is_refused_by_now else GUESS.replace("grace", f"account-{next(numbers)}")
        return ask(address, "POST", "/admin/login/", body, from_there)

    awaited, times = (HTTPStatus.TOO_MANY_REQUESTS, 50) if is_refused_by_now else (HTTPStatus.OK, 1)
    with Crowd(8, guess) as guessing:
        wait_until(lambda: guessing.count(awaited) >= times)
        before = guessing.count(HTTPStatus.OK)
        status, _ = ask(address, "POST", "/admin/login/", right, from_here)
        hashed = guessing.count(HTTPStatus.OK) - before
    assert status == HTTPStatus.FOUND
    # Of those who guess two were before her, and one more answer may just have been on its way: not all eight.
    assert hashed <= 3


@contextmanager
def lock(table):
    """Let every query of a table wait."""
    with closing(psycopg2.connect(make_database_url())) as other, other.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def count_waiting():
    """How many statements wait for a lock."""
    with closing(psycopg2.connect(make_database_url())) as other, other.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND state = 'active'")
        return cursor.fetchone()[0]


@on_postgresql
def test_reviewers_leave_half_of_the_connections_to_visitors(site, admin_client):
    address = site()
    session = {"Cookie": f"sessionid={admin_client.cookies['sessionid'].value}"}
    answers = []
    reviewers = [
        threading.Thread(
            target=lambda: answers.append(ask(address, "GET", "/admin/predictor/outcome/", headers=session)[0])
        )
        for _ in range(8)
    ]
    with lock("predictor_outcome"):
        for reviewer in reviewers:
            reviewer.start()
        wait_until(lambda: count_waiting() >= 1)
        visits = [ask(address, "GET", "/about/line/") for _ in range(10)]
        asked = ask(address, "POST", "/", urlencode({"csrfmiddlewaretoken": TOKEN, "x": "5"}))
        assert count_waiting() == 1
    for reviewer in reviewers:
        reviewer.join()
    assert {status for status, _ in visits} == {HTTPStatus.OK}
    assert max(seconds for _, seconds in visits) < 4  # Without a bound: 8 s, and then a 503.
    assert asked[0] == HTTPStatus.SEE_OTHER
    assert answers == [HTTPStatus.OK] * 8


@on_postgresql
@pytest.mark.parametrize(
    ("table", "method", "path", "times"),
    [
        ("predictor_figure", "GET", "/about/line/", 4),
        # For those who come while it waits for the first, the batcher would wait once more.
        ("predictor_prediction", "POST", "/", 1),
    ],
    ids=["page", "batcher"],
)
def test_no_statement_outlives_the_answer_that_it_was_for(site, table, method, path, times):
    address = site(DATABASE_STATEMENT_SECONDS="1")
    body = urlencode({"csrfmiddlewaretoken": TOKEN, "x": "5"}) if method == "POST" else None
    with lock(table), ThreadPoolExecutor(times) as clients:
        statuses = {status for status, _ in clients.map(lambda _: ask(address, method, path, body), range(times))}
        assert count_waiting() == 0
    assert statuses == {HTTPStatus.SERVICE_UNAVAILABLE}
    status, _ = ask(address, method, path, body)
    assert status in (HTTPStatus.OK, HTTPStatus.SEE_OTHER)
    assert Prediction.objects.count() == (1 if method == "POST" else 0)


SHOW = """
import django
django.setup()
from django.db import connection
connection.is_reserved = {is_reserved}
with connection.cursor() as cursor:
    cursor.execute("SHOW statement_timeout")
    print(cursor.fetchone()[0])
"""


def show_timeout(monkeypatch, database_url, is_reserved=False, **environment):
    for name, value in {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "mlsite.settings",
        **environment,
    }.items():
        monkeypatch.setenv(name, value)
    code = SHOW.format(is_reserved=is_reserved)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603  # Our own.


@on_postgresql
@pytest.mark.parametrize(("pool", "is_reserved"), [("0", False), ("2", False), ("2", True)])
def test_every_connection_of_a_web_process_has_its_statements_limited(monkeypatch, database_url, pool, is_reserved):
    limits = {"DATABASE_STATEMENT_SECONDS": "9", "DATABASE_POOL_SIZE": pool}
    assert show_timeout(monkeypatch, database_url, is_reserved, **limits) == "9s\n"


@on_postgresql
def test_a_commands_statements_may_take_long(monkeypatch, database_url):
    assert show_timeout(monkeypatch, database_url) == "0\n"


@on_postgresql
def test_what_the_address_of_the_database_says_of_its_statements_wins(monkeypatch, database_url):
    url = f"{database_url}&options=-c%20statement_timeout%3D3s%20-c%20work_mem%3D5MB"
    assert show_timeout(monkeypatch, url, DATABASE_STATEMENT_SECONDS="9") == "3s\n"


def test_a_turn_is_for_so_many_and_who_finds_none_is_refused():
    some = Turns(2, seconds=0, room=Pool(9))
    with some.take(), some.take(), pytest.raises(Overloaded), some.take():
        pass
    with some.take(), some.take():
        pass


def test_who_may_wait_gets_the_turn_that_is_given_back():
    one, taken = Turns(1, seconds=10, room=Pool(2)), []

    def take():
        with one.take():
            taken.append(1)

    waiting = threading.Thread(target=take)
    with one.take():
        waiting.start()
        wait_until(lambda: one.waiting == 1)
        with pytest.raises(Overloaded), one.take():  # The room is full.
            pass
        assert not taken
    waiting.join()
    assert taken == [1]


def test_a_room_can_be_shared_so_that_enough_threads_are_left():
    room = Pool(1)
    one, another = (Turns(1, seconds=0, room=room) for _ in range(2))
    with one.take(), pytest.raises(Overloaded), another.take():
        pass
    with another.take():
        pass


def test_a_few_of_each_address_are_let_in_at_a_time():
    crowd = turns.Crowd(2)
    with ExitStack() as inside:
        for address in ("here", "here", "there"):
            inside.enter_context(crowd.enter(address))
        with pytest.raises(Overloaded):
            inside.enter_context(crowd.enter("here"))
    with crowd.enter("here"), crowd.enter("here"):
        pass
    assert not crowd._inside


def test_a_request_that_fails_gives_its_turn_back():
    one = Turns(1, seconds=0, room=Pool(1))
    with pytest.raises(ZeroDivisionError), one.take():
        1 / 0  # noqa: B018
    with one.take():
        pass


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path"), [("get", "/admin/"), ("post", "/admin/login/")])
def test_who_finds_no_turn_is_asked_to_try_again(client, monkeypatch, method, path):
    full = Pool(1)
    monkeypatch.setattr(turns, "pages", Turns(1, seconds=0, room=full))
    monkeypatch.setattr(turns, "sign_ins", Turns(1, seconds=0, room=full))
    with turns.pages.take():
        response = getattr(client, method)(path)
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(response["Retry-After"]) > 0
    assert "Temporarily unavailable" in response.content.decode()
    assert getattr(client, method)(path).status_code in (HTTPStatus.OK, HTTPStatus.FOUND)


@pytest.mark.django_db
def test_pages_of_the_admin_do_not_wait_for_a_file_that_is_kept(client, monkeypatch):
    monkeypatch.setattr(turns, "uploads", Turns(1, seconds=0, room=Pool(1)))
    address = "/admin/predictor/version/1/retrain/upload/"
    with turns.uploads.take():
        assert client.get("/admin/").status_code == HTTPStatus.FOUND
        assert client.post(address).status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert client.post(address).status_code == HTTPStatus.FOUND


@pytest.mark.django_db
def test_who_signs_in_and_who_reviews_do_not_wait_for_each_other(client):
    with turns.sign_ins.take():
        assert client.get("/admin/login/").status_code == HTTPStatus.OK
    with turns.pages.take():
        assert client.post("/admin/login/").status_code == HTTPStatus.OK
        assert client.get("/healthz").status_code == HTTPStatus.OK


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_while_a_password_is_hashed(client, django_user_model, monkeypatch):
    django_user_model.objects.create_user("ada", password="hers alone", is_staff=True)
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)  # As in a web process that has a pool.
    connection.close()
    held = []
    monkeypatch.setattr(threads, "_run", lambda work: held.append(connection.connection is not None) or work())
    assert client.post("/admin/login/", {"username": "ada", "password": "hers alone"}).status_code == HTTPStatus.FOUND
    assert held
    assert not any(held)
