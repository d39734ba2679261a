"""What a real server serves after a promotion or a retirement, while it gets no request."""

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from predictor.access.keys import Scope, make_key, revoke_key
from predictor.models import ApiKey
from predictor.refreshing import SECONDS_BEHIND
from predictor.registry import versions as registry
from predictor.registry.retirement import bring_back, retire
from tests.together import wait_until
from tests.training import register_shipped

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]
ASKED_AT_ONCE = 16


def ask(address, key=""):
    """The number of the version that answers, over a connection of its own; else the status."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(f"{address}/api/v1/models/line/predict", b'{"inputs": {"x": 5}}', headers)  # noqa: S310  # Our own address.
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # The same.
            return json.load(answer)["version"]
    except urllib.error.HTTPError as error:
        return error.code


def ask_all(address, key=""):
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        return set(pool.map(ask, [address] * ASKED_AT_ONCE, [key] * ASKED_AT_ONCE))


def test_workers_that_were_idle_answer_their_first_visitors_with_what_went_live(models_dir, serve):
    first, second = register_shipped("line"), register_shipped("line")
    server = serve(WEB_CONCURRENCY="2").wait_until("/readyz")
    assert ask_all(server.address) == {2}

    def is_noticed(version):
        registry.promote(version, by="tests", reason="a test")
        time.sleep(SECONDS_BEHIND)
        return ask_all(server.address) == {version.number}

    # Once more where other work on the machine has kept a worker from loading it within a second.
    assert is_noticed(first) or is_noticed(second)
    assert "Traceback" not in server.log.read_text()


def test_every_worker_notices_within_two_seconds_that_a_model_is_retired_and_that_it_is_back(models_dir, serve):
    register_shipped("line")
    server = serve(WEB_CONCURRENCY="2").wait_until("/readyz")
    assert ask_all(server.address) == {1}

    def is_noticed(act, answer):
        act("line", by="tests", reason="a test")
        time.sleep(SECONDS_BEHIND)
        return ask_all(server.address) == {answer}

    assert is_noticed(retire, 410)
    assert is_noticed(bring_back, 1)
    assert "Traceback" not in server.log.read_text()


def test_every_worker_takes_a_new_key_at_once_and_refuses_it_within_two_seconds_of_being_revoked(line, serve):
    server = serve(WEB_CONCURRENCY="2", API_ACCESS="keys").wait_until("/readyz")
    assert ask_all(server.address) == {401}
    row, key = make_key("client", scopes=[Scope.PREDICT], models=None, expires_at=None, by="tests")
    assert ask_all(server.address, key) == {1}
    wait_until(lambda: ApiKey.objects.get().last_used_at is not None)
    revoke_key(row, by="tests", reason="a test")
    time.sleep(SECONDS_BEHIND)
    assert ask_all(server.address, key) == {401}
