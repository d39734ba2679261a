"""Bodies that are decoded row by row."""

import json

import msgspec
import pytest
from django.test import RequestFactory

from predictor.api import large
from predictor.api.large import MOST_PARTS, MOST_ROW_BYTES, MOST_SMALL_BYTES, decode_envelope, decode_row, take_turn
from predictor.exceptions import TooLate

LINE = "/api/v1/models/line/predict"


def post(client, body):
    return client.post(LINE, body if isinstance(body, str) else json.dumps(body), content_type="application/json")


@pytest.mark.parametrize("inputs", [{"x": 5, "y": "ü"}, [{"x": 1}, 3, []], [], {}])
def test_the_rows_are_what_was_sent(inputs):
    rows = decode_envelope(json.dumps({"inputs": inputs}).encode())["inputs"]
    assert (rows if isinstance(rows, dict) else [decode_row(row) for row in rows]) == inputs


@pytest.mark.parametrize(
    "body",
    [
        '{"inputs": {' + ",".join(f'"k{n}": 1' for n in range(60_000)) + "}}",
        '{"inputs": [' + ",".join(["[]"] * (2 * MOST_PARTS)) + "]}",
        '{"inputs": [], ' + ",".join(f'"k{n}": 1' for n in range(60_000)) + "}",
        '{"inputs": 5' + " " * MOST_SMALL_BYTES + "}",
        '{"inputs": [{"x": "' + "a" * MOST_ROW_BYTES + '"}]}',
        '{"inputs": [{"x": "' + "a" * MOST_SMALL_BYTES + '"}',
        "[" * MOST_SMALL_BYTES + "[",
    ],
    ids=["fields", "lists", "keys", "number", "row", "torn", "deep"],
)
@pytest.mark.django_db
def test_a_large_body_that_is_no_rows_is_refused(client, line, body):
    answer = post(client, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")


@pytest.mark.django_db
def test_a_large_body_is_answered_and_its_errors_named_as_those_of_a_small_one(client, line):
    padding = " " * MOST_SMALL_BYTES
    assert len(post(client, f'{{"inputs": [{{"x": 1}}, {{"x": 2}}]{padding}}}').json()["predictions"]) == 2
    assert len(post(client, f'{{"inputs": {{"x": 1}}{padding}}}').json()["predictions"]) == 1
    error = post(client, f'{{"inputs": [{{"x": 1}}, {{"x": "a"}}, 3]{padding}}}').json()["error"]
    assert (error["code"], sorted(error["fields"])) == ("invalid_input", ["1.x", "2"])


@pytest.mark.django_db
def test_a_refusal_names_a_hundred_fields_and_says_where_it_stopped(client, line):
    error = post(client, {"inputs": [{"x": "wrong"}] * 1000}).json()["error"]
    assert list(error["fields"]) == [f"{number}.x" for number in range(101)]
    assert error["message"].endswith("Rows after number 100 were not checked.")


def test_large_bodies_take_turns_and_small_ones_never_wait(monkeypatch):
    monkeypatch.setattr(large, "SECONDS_FOR_TURN", 0.05)
    small, big = (RequestFactory().post(LINE, "x" * size, "application/json") for size in (5, MOST_SMALL_BYTES + 1))
    with take_turn(big):
        with take_turn(small):
            pass
        with pytest.raises(TooLate), take_turn(big):
            pass
    with take_turn(big):
        pass


def test_a_row_is_not_decoded_before_its_turn():
    [row] = decode_envelope(b'{"inputs": [{"x": 1}]}')["inputs"]
    assert isinstance(row, msgspec.Raw)
