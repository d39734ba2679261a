import json
import logging
import re
import sys

import pytest

from mlsite.logs import JsonFormatter
from tests.conftest import run_manage
from tests.training import register_shipped
from tests.visitor import Visitor

TOKEN = "a-token-of-more-than-twenty-characters"  # noqa: S105  # Of the tests.
ASK = {"Authorization": f"Bearer {TOKEN}"}
PREDICT = "/api/v1/models/line/predict"


def read_metrics(server):
    """Each counted number by its name with its labels, from any of the processes."""
    answer = Visitor(server.address).get("/metrics", headers=ASK)
    assert answer.status == 200, answer.body
    lines = [line.rsplit(" ", 1) for line in answer.body.splitlines() if not line.startswith("#")]
    return {name: float(number) for name, number in lines}


def test_what_all_processes_did_is_counted_together(serve, models_dir):
    register_shipped("line")
    server = serve(WEB_CONCURRENCY="2", METRICS_TOKEN=TOKEN).wait_until("/readyz")
    for number in range(12):
        # Each visitor has a connection of its own, which either process may take.
        visitor = Visitor(server.address)
        assert visitor.post_form("/", {"x": str(number % 9 + 1)}).status == 200
        assert Visitor(server.address).post_json(PREDICT, {"inputs": [{"x": 1}, {"x": 2}]}).status == 200
    assert Visitor(server.address).post_json(PREDICT, {"inputs": {"x": "five"}}).status == 422
    assert Visitor(server.address).get("/nowhere/").status == 404
    found = read_metrics(server)
    by_form = 'mlsite_predictions_total{model="line",source="form",version="1"}'
    assert found[by_form] == 12
    assert found[by_form.replace("form", "api")] == 24
    assert found['mlsite_errors_total{kind="invalid_input"}'] == found['mlsite_errors_total{kind="404"}'] == 1
    assert found['mlsite_request_seconds_count{page="api"}'] == 13
    assert found["mlsite_rows_waiting"] == 0
    pages = set(re.findall(r'page="([^"]*)"', " ".join(found)))
    assert pages <= {"api", "default", "model", "prediction", "readiness", "other"}


def test_only_the_token_opens_it(serve, models_dir):
    server = serve(WEB_CONCURRENCY="1", METRICS_TOKEN=TOKEN).wait_until("/healthz")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        answer = Visitor(server.address).get("/metrics", headers=headers)
        assert (answer.status, "mlsite_" in answer.body) == (401, False)


def test_without_a_token_there_is_nothing(client, db):
    assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [("METRICS_TOKEN", "short", "METRICS_TOKEN is weak"), ("LOG_FORMAT", "xml", "LOG_FORMAT is 'xml'")],
)
def test_settings_that_are_too_weak_or_unknown_stop_the_site(name, value, problem):
    done = run_manage("check", **{name: value})
    assert done.returncode == 1
    assert problem in done.stderr


def test_a_record_is_one_line_of_json():
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "", 1, "broken\n%s", ("\0 é",), sys.exc_info())
    line = JsonFormatter().format(record)
    assert "\n" not in line
    written = json.loads(line)
    assert (written["level"], written["logger"], written["message"]) == ("ERROR", "a", "broken\n\0 é")
    assert "ValueError: first" in written["traceback"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", written["time"])
