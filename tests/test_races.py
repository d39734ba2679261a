"""Two worker processes that get requests with the same references and idempotency keys at the same moment."""

import http.client
import json
from collections import Counter
from urllib.parse import urlsplit

import pytest

from predictor.models import IdempotencyKey, Prediction, Reference
from tests.together import run_together

PATH = "/api/v1/models/line/predict"
ROUNDS = 8


def send(address, body, **headers):
    """Over a connection of its own, which either worker may take: the status and the body of the answer."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.request("POST", PATH, json.dumps(body), {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def list_ids(content):
    return [each["id"] for each in json.loads(content)["predictions"]]


@pytest.mark.both_databases
def test_of_requests_at_the_same_moment_one_is_stored_and_all_get_its_answer(line, serve):
    address = serve(WEB_CONCURRENCY="2").wait_until("/readyz").address
    statuses = Counter()
    for number in range(ROUNDS):
        named = {"inputs": {"x": number}, "reference": f"case {number}"}
        other = {"inputs": {"x": number + 0.5}, "reference": f"case {number}"}
        # The same references in another order, with a row of its own.
        many = {
            "inputs": [{"x": -1}, {"x": number}, {"x": -2}],
            "references": [None, f"case {number}", f"more {number}"],
        }
        turned = {"inputs": many["inputs"][::-1], "references": many["references"][::-1]}
        keyed = {"inputs": {"x": number + 0.25}}
        sent = [(each, {}) for each in (named, other, many, turned, named, named)]
        sent += [(keyed, {"Idempotency-Key": f"key {number}"})] * 4
        answers = run_together(
            [lambda body=body, headers=headers: send(address, body, **headers) for body, headers in sent]
        )
        statuses.update(status for status, _ in answers)

        won = [content for status, content in answers[:6] if status == 200]
        stored = str(Reference.objects.get(model="line", reference=f"case {number}").prediction_id)
        assert won
        assert all(stored in list_ids(content) for content in won)
        inputs = Prediction.objects.get(id=stored).inputs["x"]
        assert [status for status, _ in answers[:6]] == (
            [200, 409, 200, 200, 200, 200] if inputs == number else [409, 200, 409, 409, 409, 409]
        )
        assert {status for status, _ in answers[6:]} == {200}
        assert len({content for _, content in answers[6:]}) == 1
    assert set(statuses) == {200, 409}
    assert IdempotencyKey.objects.count() == ROUNDS
    # Of each round the case, one with a key and, where these rows were its own, "more" and a row a request without any.
    names = Reference.objects.filter(reference__startswith="more").count()
    assert Prediction.objects.count() == 2 * ROUNDS + 3 * names
