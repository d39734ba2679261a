"""What schemathesis makes of the OpenAPI document: requests that it describes, and others that it does not.

A longer run, of a site that is served: docs/api.md.
"""

from collections import defaultdict

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from predictor.access.keys import Scope, keys, make_key
from predictor.models import Prediction
from predictor.serving.service import service

pytestmark = pytest.mark.django_db
# More is taken than is described, such as numbers as texts; and no schema says how many references a list needs, or
# what a cursor is.
NOT_MEANT = [checks.negative_data_rejection, checks.positive_data_acceptance]


@pytest.fixture
def one_connection():
    """Requests leave the test's own connection open, as those of Django's client do."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def stored(client, line):
    client.post("/api/v1/models/line/predict", {"inputs": {"x": 5}}, content_type="application/json")
    return Prediction.objects.get()


@pytest.fixture
def document(stored, penguins, one_connection, settings):
    settings.TRIALS_API = True
    service.forget()  # It may have looked for versions a moment ago.
    keys.forget()
    _, key = make_key("fuzzing", scopes=list(Scope), models=None, expires_at=None, by="tests")
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    document.config.update(headers={"Authorization": f"Bearer {key}"})
    return document


def ask(operation, mode, examples=5):
    """Send requests by an operation's description, or against it; return what was answered, by status."""
    answers = defaultdict(list)

    @hypothesis.seed(0)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        response = case.call()
        case.validate_response(response, excluded_checks=NOT_MEANT)
        answers[response.status_code].append(response)

    send()
    return answers


def test_no_request_is_a_fault_and_every_answer_is_one_that_is_documented(document, stored):
    operations = [found.ok() for found in document.get_all_operations()]
    met = set()
    for operation in operations:
        if operation.label != "GET /api/v1/models":  # Whatever is sent, it is described.
            met |= set(ask(operation, GenerationMode.NEGATIVE, examples=20 if operation.method != "get" else 5))
    known = {"path.slug": "line", "path.number": 1, "path.id": str(stored.id)}
    document.config.update(parameters=known)
    for operation in operations:
        answers = ask(operation, GenerationMode.POSITIVE)
        met |= set(answers)
        if operation.method == "post":
            assert answers[200], operation.label
            assert not [each for each in answers[422] if each.json()["error"]["code"] == "invalid_input"]
    assert met >= {200, 400, 404, 415, 422}
