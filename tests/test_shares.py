"""How many rows may be predicted: counted by all processes together, and without a query for nearly all requests."""

import http.client
import json
import random
import tracemalloc
from collections import Counter
from urllib.parse import urlsplit

import django.db
import pytest
from bs4 import BeautifulSoup
from django.db import OperationalError, connection
from django.test import Client

from predictor.access.keys import Scope, make_key
from predictor.access.limits import Rate
from predictor.access.processes import Census
from predictor.access.rates import read_rate
from predictor.access.shares import MOST_KEYS, RateExceeded, SharedLimit
from predictor.models import Prediction, RateWindow, WebProcess
from tests.together import run_together, wait_until

DAY = 24 * 3600
PATH = "/api/v1/models/line/predict"


def make_limits(processes, most, seconds=DAY):
    """One limit, as so many processes know it."""
    limits = [SharedLimit("rows", Rate(most=most, seconds=seconds), Census()) for _ in range(processes)]
    for limit in limits:
        limit._census.processes = processes
    return limits


def is_allowed(limit, key="x", rows=1):
    try:
        limit.count(key, rows)
    except RateExceeded:
        return False
    return True


def exhaust(limit, key="x"):
    """How many rows are allowed until one is refused."""
    allowed = 0
    while is_allowed(limit, key):
        allowed += 1
    return allowed


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("most", [1, 7, 100, 1000])
def test_one_process_allows_exactly_the_limit(most):
    [limit] = make_limits(1, most)
    assert exhaust(limit) == most
    with pytest.raises(RateExceeded) as caught:
        limit.count("x", 1)
    assert 0 < caught.value.seconds <= DAY
    assert is_allowed(limit, "another")


@pytest.mark.django_db
def test_who_is_refused_is_logged_once_a_window(caplog):
    [limit] = make_limits(1, 5)
    for _ in range(10):
        is_allowed(limit, "203.0.113.9")
    [line] = caplog.messages
    assert line.startswith("rows: 203.0.113.9 is refused for ")


@pytest.mark.django_db
def test_the_rows_of_a_request_are_counted_all_or_none():
    [limit] = make_limits(1, 100)
    assert [is_allowed(limit, rows=60), is_allowed(limit, rows=60), is_allowed(limit, rows=40)] == [True, False, True]
    with pytest.raises(RateExceeded) as caught:
        limit.count("y", 101)
    assert caught.value.seconds == 0


@pytest.mark.django_db
def test_a_window_that_is_over_begins_anew_and_its_count_is_removed():
    [limit] = make_limits(1, 20, seconds=1)
    assert exhaust(limit) >= 20
    former = set(RateWindow.objects.values_list("id", flat=True))
    wait_until(lambda: is_allowed(limit))
    assert exhaust(limit) > 0
    assert not former & set(RateWindow.objects.values_list("id", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize("processes", [2, 8])
def test_processes_that_know_nothing_of_each_other_allow_a_quarter_too_much_at_most(processes):
    limits = make_limits(processes, 1000)
    allowed = sum(exhaust(limit) for limit in limits)
    assert 1000 <= allowed <= 1250


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(5))
def test_in_whatever_order_processes_count_and_reconcile_they_allow_a_quarter_too_much_at_most(seed):
    dice = random.Random(seed)  # noqa: S311  # Any order will do.
    most, processes = dice.choice([(40, 3), (500, 4), (2000, 2)])
    limits, allowed = make_limits(processes, most), 0
    for _ in range(3 * most):
        limit, rows = dice.choice(limits), dice.choice([1, 1, 1, most // 20])
        allowed += rows * is_allowed(limit, rows=rows)
        if not dice.randrange(20):
            dice.choice(limits).reconcile()
    assert most <= allowed <= 1.25 * most


@pytest.mark.django_db
def test_most_requests_need_no_query_and_who_sends_few_is_never_written(django_assert_num_queries):
    [limit] = make_limits(1, 1000)
    with django_assert_num_queries(0):
        for number in range(130):
            limit.count("busy", 1)
            limit.count(f"visitor {number}", 1)
    limit.reconcile()
    assert RateWindow.objects.get().count == 130
    with django_assert_num_queries(0):
        limit.reconcile()


@pytest.mark.django_db
def test_a_process_that_reconciles_need_not_ask(django_assert_num_queries):
    """Whoever sends evenly waits for no query until little is left."""
    [limit] = make_limits(1, 1000)
    for _ in range(20):
        with django_assert_num_queries(0):
            for _ in range(35):
                limit.count("x", 1)
        limit.reconcile()


@pytest.mark.django_db
def test_what_could_not_be_written_is_not_lost():
    first, second = make_limits(2, 100)

    def fail(*arguments):
        raise OperationalError("away")

    for _ in range(12):
        first.count("x", 1)
    for attempt in (first.reconcile, lambda: first.count("x", 1)):
        with connection.execute_wrapper(fail), pytest.raises(django.db.Error):
            attempt()
    first.reconcile()
    assert RateWindow.objects.get().count == 12
    assert exhaust(second) + 12 <= 100


def test_a_flood_of_addresses_fills_no_memory(db):
    [limit] = make_limits(1, 1000)
    tracemalloc.start()
    for number in range(2 * MOST_KEYS):
        limit.count(f"2001:db8:{number:x}::/64", 1)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 10_000_000
    limit.reconcile()
    assert not RateWindow.objects.exists()


@pytest.mark.django_db
def test_a_flood_of_addresses_frees_nobody_who_is_refused():
    [limit] = make_limits(1, 100)
    exhaust(limit)
    for number in range(MOST_KEYS + 1):
        limit.count(f"{number}", 1)
    assert not is_allowed(limit)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_processes_count_each_other_until_they_are_silent():
    first, second = Census(), Census()
    first.take()
    second.take()
    assert (first.processes, second.processes) == (1, 2)
    WebProcess.objects.filter(id=second.id).update(seen_at=1)
    first._taken_at = float("-inf")
    first.take()
    assert first.processes == 1
    assert WebProcess.objects.get().id == first.id


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_many_threads_of_a_process_count_every_row_once():
    [limit] = make_limits(1, 200)
    allowed = run_together([lambda: sum(is_allowed(limit) for _ in range(50))] * 8)
    assert sum(allowed) == 200


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/minute", Rate(most=600, seconds=60)),
        (" 5 / Second", Rate(most=5, seconds=1)),
        ("1000000000/day", Rate(most=1_000_000_000, seconds=DAY)),
        ("OFF", None),
    ],
)
def test_a_rate_is_read_as_it_is_written(text, rate):
    assert read_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "600", "0/minute", "600/min", "6,000/minute", "-1/hour", "9999999999/day", "¹/day"]
)
def test_what_is_no_rate_is_refused_with_what_would_be(text):
    with pytest.raises(ValueError, match="600/minute, or off"):
        read_rate(text)


# In the site


@pytest.fixture
def limited(settings, line):
    """A site on which an address may have four rows predicted."""
    settings.RATE_LIMIT_ADDRESS = "4/day"
    return line


def send(client, inputs, **headers):
    return client.post(PATH, {"inputs": inputs}, content_type="application/json", headers=headers)


def test_the_api_says_when_to_come_again_and_stores_nothing(client, limited):
    assert send(client, [{"x": 1}] * 3).status_code == 200
    refused = send(client, [{"x": 1}] * 2)
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= DAY
    error = refused.json()["error"]
    assert error["code"] == "too_many_requests"
    assert error["message"].startswith("You send more than 4 rows a day: wait ")
    assert Prediction.objects.count() == 3


def test_requests_that_are_refused_for_another_reason_are_counted_too(client, limited):
    assert [send(client, {"y": 1}).status_code for _ in range(5)] == [422] * 4 + [429]


def test_a_request_of_more_rows_than_ever_allowed_is_not_asked_to_wait(client, limited):
    refused = send(client, [{"x": 1}] * 5)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_many_rows")
    assert "more than 4 rows a day" in refused.json()["error"]["message"]
    assert "Retry-After" not in refused


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_form_keeps_what_was_typed_and_says_when_to_come_again(client, limited, headers):
    for _ in range(4):
        client.post("/", {"x": "5"})
    refused = client.post("/", {"x": "7.25"}, headers=headers)
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= DAY
    page = BeautifulSoup(refused.content, "html.parser")
    assert page.select_one("form.predict input[name=x]")["value"] == "7.25"
    assert "Too many predictions come from your network address. Wait" in page.select_one("[role=alert].problems").text
    assert Prediction.objects.count() == 4


def test_an_embedded_form_does_the_same(client, limited, settings):
    settings.EMBED_ORIGINS = ["https://example.com"]
    shown = BeautifulSoup(client.get("/line/embed/").content, "html.parser")
    token = shown.select_one("input[name=csrfmiddlewaretoken]")["value"]
    answers = [client.post("/line/embed/", {"x": "7.25", "csrfmiddlewaretoken": token}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [303] * 4 + [429]
    page = BeautifulSoup(answers[-1].content, "html.parser")
    assert page.select_one("form.predict input[name=x]")["value"] == "7.25"


def test_forms_and_the_api_are_counted_together_and_addresses_apart(client, limited, settings):
    settings.FORWARDED_ALLOW_IPS = ["127.0.0.1"]
    there = {"X-Forwarded-For": "203.0.113.9"}
    assert send(client, [{"x": 1}] * 4, **there).status_code == 200
    assert client.post("/", {"x": "5"}, headers=there).status_code == 429
    assert Client().post("/", {"x": "5"}, headers={"X-Forwarded-For": "203.0.113.10"}).status_code == 303


def test_a_key_is_counted_by_itself_from_whatever_address(client, limited, settings):
    settings.RATE_LIMIT_KEY = "6/day"
    settings.FORWARDED_ALLOW_IPS = ["127.0.0.1"]
    rest = {"scopes": [Scope.PREDICT], "models": None, "expires_at": None, "by": "tests"}
    one, other = ({"Authorization": f"Bearer {make_key(name, **rest)[1]}"} for name in ("one", "other"))
    assert send(client, [{"x": 1}] * 5, **one).status_code == 200
    refused = send(client, [{"x": 1}] * 2, **one, **{"X-Forwarded-For": "203.0.113.9"})
    assert refused.status_code == 429
    assert "more than 6 rows a day" in refused.json()["error"]["message"]
    assert send(client, [{"x": 1}] * 6, **other).status_code == 200
    assert send(client, [{"x": 1}] * 4).status_code == 200


@pytest.mark.both_databases
def test_two_worker_processes_keep_the_limit_together_to_within_a_quarter(serve, line):
    server = serve(WEB_CONCURRENCY="2", RATE_LIMIT_ADDRESS="400/day").wait_until("/readyz")
    wait_until(lambda: WebProcess.objects.count() == 2)
    host = urlsplit(server.address).netloc

    def send_many():
        """Over connections of its own: the kernel gives each to one of the workers."""
        statuses, body = Counter(), json.dumps({"inputs": {"x": 1}})
        for _ in range(10):
            to = http.client.HTTPConnection(host, timeout=30)
            for _ in range(15):
                to.request("POST", PATH, body, {"Content-Type": "application/json"})
                answer = to.getresponse()
                answer.read()
                statuses[answer.status, "Retry-After" in answer.headers] += 1
            to.close()
        return statuses

    statuses = sum(run_together([send_many] * 4), Counter())
    assert set(statuses) == {(200, False), (429, True)}
    assert 400 <= statuses[200, False] <= 500
    assert Prediction.objects.count() == statuses[200, False]
