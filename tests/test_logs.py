import logging
import sys

import pytest

from mlsite.logs import LineFormatter, accept_request_id


def test_a_record_is_one_line_whatever_it_holds():
    try:
        raise ValueError("first\nsecond\r\nthird")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "", 1, "broken\n%s", ("in\ntwo",), sys.exc_info())
    record.correlation_id = "0123456789abcdef0123"
    line = LineFormatter().format(record)
    assert "\n" not in line
    assert "\r" not in line
    assert "[0123456789abcdef0123] broken ⏎ in ⏎ two" in line
    assert "ValueError: first" in line


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("9d1cd3f2-0dd4-4b1c-8b1c-8a3b1c1d1e1f", True),
        ("short", False),
        ("x] ERROR forged line for you [y", False),
        ("a" * 201, False),
    ],
)
def test_only_what_can_be_a_request_id_goes_into_the_log(rf, given, kept):
    request = rf.get("/", headers={"X-Request-ID": given})
    accept_request_id(lambda request: None)(request)
    assert ("HTTP_X_REQUEST_ID" in request.META) == kept
    assert ("X-Request-ID" in request.headers) == kept


@pytest.mark.django_db
def test_the_answer_carries_the_request_id(client):
    id = "9d1cd3f2-0dd4-4b1c-8b1c-8a3b1c1d1e1f"
    assert client.get("/healthz", headers={"X-Request-ID": id})["X-Request-ID"] == id
    assert len(client.get("/healthz", headers={"X-Request-ID": "forged"})["X-Request-ID"]) == 32
