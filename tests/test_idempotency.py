"""A request with an Idempotency-Key that is sent again gets the stored answer, and nothing is stored twice."""

import json

import pytest
from django.core.management import call_command

from predictor.models import IdempotencyKey, Prediction
from predictor.serving.service import service
from tests.test_api import LINE
from tests.test_erasure import dump_tables
from tests.test_keys import make
from tests.training import register_shipped

pytestmark = pytest.mark.django_db
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
BODY = {"inputs": [{"x": 5}, {"x": 6}], "references": [None, "customer-42"]}


@pytest.fixture
def line():
    return register_shipped("line")


def send(client, body=BODY, key=KEY, path=LINE, **headers):
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    headers = {"Idempotency-Key": key, **headers}
    return client.post(path, data=data, content_type="application/json", headers=headers)


@pytest.mark.both_databases
def test_the_same_key_and_body_get_the_stored_answer_byte_for_byte_also_of_a_former_version(client, line):
    first = send(client)
    register_shipped("line")
    service.forget()
    again = send(client)
    assert (again.status_code, again.content) == (200, first.content)
    assert (again["Content-Type"], again["Content-Length"]) == ("application/json", str(len(first.content)))
    assert Prediction.objects.count() == 2
    other = send(client, {"inputs": {"x": 5}})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert send(client, "no JSON").status_code == 409
    assert Prediction.objects.count() == 2


@pytest.mark.both_databases
def test_another_key_model_or_caller_is_another_request(client, line):
    register_shipped("penguins")
    callers = [{"Authorization": f"Bearer {make(name)[1]}"} for name in ("shop", "other")]
    answers = [send(client), send(client, key="other"), *(send(client, **each) for each in callers)]
    assert {each.status_code for each in answers} == {200}
    assert len({each.content for each in answers}) == 4
    assert send(client, path="/api/v1/models/penguins/predict").status_code == 422
    assert [send(client, **each).content for each in callers] == [each.content for each in answers[2:]]


@pytest.mark.both_databases
def test_a_key_is_kept_for_a_day_and_then_removed_as_others_come_in(client, line):
    body = {"inputs": {"x": 5}}
    first = send(client, body)
    IdempotencyKey.objects.update(ends_at=1)
    second = send(client, body)
    assert second.content != first.content
    IdempotencyKey.objects.update(ends_at=1)
    send(client, body, key="other")
    assert IdempotencyKey.objects.count() == 1


def test_an_error_is_not_kept(client, line):
    assert send(client, {"inputs": {"x": 1.7e308}}).status_code == 422
    assert send(client, {"inputs": {"x": "a"}}).status_code == 422
    assert send(client, {"inputs": {"x": 5}}).status_code == 200


def test_what_is_no_key_is_refused(client, line):
    for key in ("", "x" * 256, "a\tb", "\u20ac", "é"):
        answer = send(client, key=key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_idempotency_key")
    for key in ("x" * 255, '"quoted"', " a b ", "'%s\\"):
        assert (
            send(client, {"inputs": {"x": 5}}, key=key).content == send(client, {"inputs": {"x": 5}}, key=key).content
        )
    assert Prediction.objects.count() == 4


@pytest.mark.both_databases
def test_what_is_forgotten_is_in_no_stored_answer_and_what_is_pruned_neither(client, line):
    [first] = send(client, {"inputs": {"x": 71609}}).json()["predictions"]
    send(client, {"inputs": {"x": 5}}, key="other")
    assert any(str(first["output"]) in row for _, row in dump_tables())
    call_command("forget", first["id"], "--dry-run")
    assert IdempotencyKey.objects.count() == 2
    call_command("forget", first["id"])
    assert not any(str(first["output"]) in row for _, row in dump_tables())
    assert IdempotencyKey.objects.count() == 1
    IdempotencyKey.objects.update(ends_at=IdempotencyKey.objects.get().ends_at - 13 * 60 * 60)
    call_command("prune", "--older-than", "12h")
    assert not IdempotencyKey.objects.exists()
