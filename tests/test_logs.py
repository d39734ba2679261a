import logging
import re
import sys

import pytest
from django.http import HttpResponse

from mlsite.logs import LineFormatter, name_request


def test_a_record_is_one_line_whatever_it_holds():
    try:
        raise ValueError("first\nsecond\r\nthird")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "", 1, "broken\n%s", ("in\ntwo",), sys.exc_info())
    line = LineFormatter().format(record)
    assert "\n" not in line
    assert "\r" not in line
    assert "broken ⏎ in ⏎ two" in line
    assert "ValueError: first" in line
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z ERROR a ", line)


def test_a_record_holds_no_control_characters():
    record = logging.LogRecord("a", logging.ERROR, "", 1, "not found: \0 \x1b[31m é ⏎", (), None)
    assert LineFormatter().format(record).endswith(r" not found: \x00 \x1b[31m é ⏎")


def test_no_row_that_postgresql_quotes_is_logged():
    text = 'null value in column "output"\nDETAIL:  Failing row contains (1, {"x": 71609}).\nCONTEXT:  COPY'
    record = logging.LogRecord("a", logging.ERROR, "", 1, "%s", (text,), None)
    assert LineFormatter().format(record).endswith(' null value in column "output" ⏎ CONTEXT:  COPY')


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
    lines = []

    def view(request):
        lines.append(LineFormatter().format(logging.LogRecord("a", logging.INFO, "", 1, "seen", (), None)))
        return HttpResponse()

    answered = name_request(view)(rf.get("/", headers={"X-Request-ID": given}))["X-Request-ID"]
    assert (answered == given) == kept
    assert f"[{answered}] seen" in lines[0]


@pytest.mark.django_db
def test_the_answer_carries_the_request_id(client):
    id = "9d1cd3f2-0dd4-4b1c-8b1c-8a3b1c1d1e1f"
    assert client.get("/healthz", headers={"X-Request-ID": id})["X-Request-ID"] == id
    assert len(client.get("/healthz", headers={"X-Request-ID": "forged"})["X-Request-ID"]) == 32
