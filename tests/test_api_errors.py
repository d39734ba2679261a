"""Every error of the API, by a real request: one shape, a code for programs, and what a client does next."""

import json
import re
from pathlib import Path
from typing import get_args
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from predictor.access import visitors
from predictor.access.keys import Scope, keys, make_key
from predictor.access.limits import Rate
from predictor.api.operations import Route, list_operations
from predictor.api.urls import urlpatterns
from predictor.models import Artifact, Prediction, Version
from predictor.outcomes.files import Result
from predictor.problems import Code
from predictor.serving.service import service
from tests.outcomes import make_version

pytestmark = pytest.mark.django_db
PREDICT, MODELS = "/api/v1/models/line/predict", "/api/v1/models"
ID = uuid4()
JSON = "application/json"


@pytest.fixture
def site(line, settings, monkeypatch):
    """A model that predicts, one that cannot be described, and limits that are reached by one request."""
    settings.TRIALS_API = True
    monkeypatch.setattr(visitors, "TRIALS", Rate(most=1, seconds=60))
    visitors._refused.clear()
    keys.forget()
    Version.objects.filter(id=make_version(model="broken").id).update(schema={})
    yield
    visitors._refused.clear()


def make(*scopes):
    return {
        "Authorization": f"Bearer {make_key(str(uuid4()), scopes=scopes, models=None, expires_at=None, by='tests')[1]}"
    }


def post(client, body, path=PREDICT, content_type=JSON, **headers):
    return client.post(path, body if isinstance(body, bytes) else json.dumps(body), content_type, headers=headers)


def take_reference(client):
    post(client, {"inputs": {"x": 5}, "reference": "a"})
    return post(client, {"inputs": {"x": 6}, "reference": "a"})


def try_often(client):
    sent, key = {"inputs": {"x": 5}}, make(Scope.PREDICT)
    return [post(client, sent, f"{MODELS}/line/try", **key) for _ in range(2)][-1]


def spoil(client):
    """As a process that has loaded nothing meets it."""
    Artifact.objects.update(signature="0" * 64)
    service.forget()
    return post(client, {"inputs": {"x": 5}})


def send_from_another_site(client):
    signed_in = Client(enforce_csrf_checks=True)
    signed_in.force_login(User.objects.create_superuser("ada"))
    return post(signed_in, {"inputs": {"x": 5}}, f"{MODELS}/line/try", **{"X-CSRFToken": "a"})


ERRORS = [
    (400, "malformed", lambda client: post(client, b"{")),
    (400, "malformed", lambda client: post(client, {"inputs": 5})),
    (400, "invalid_parameters", lambda client: client.get(MODELS, {"page": 2})),
    (400, "host_not_allowed", lambda client: client.get(MODELS, headers={"host": "elsewhere.example"})),
    (401, "unauthorized", lambda client: client.get(f"/api/v1/predictions/{ID}")),
    (401, "unauthorized", lambda client: client.get(MODELS, headers={"Authorization": "Bearer mlsite_"})),
    (403, "forbidden", lambda client: client.get(f"/api/v1/predictions/{ID}", headers=make(Scope.PREDICT))),
    (404, "not_found", lambda client: client.get("/api/v1/nothing")),
    (404, "not_found", lambda client: client.get(f"{MODELS}/line/")),
    (404, "model_not_found", lambda client: post(client, {"inputs": {"x": 5}}, f"{MODELS}/lime/predict")),
    (404, "model_not_found", lambda client: client.get(f"{MODELS}/lime")),
    (404, "prediction_not_found", lambda client: client.get(f"/api/v1/predictions/{ID}", headers=make(Scope.READ))),
    (405, "method_not_allowed", lambda client: client.get(PREDICT)),
    (405, "method_not_allowed", lambda client: client.delete(MODELS)),
    (409, None, take_reference),
    (411, "length_required", lambda client: post(client, {"inputs": {"x": 5}}, **{"Transfer-Encoding": "gzip"})),
    (413, "too_many_rows", lambda client: post(client, {"inputs": [{"x": 1}] * 1001})),
    (413, "too_large", lambda client: post(client, b"x" * 4_000_001)),
    (415, "unsupported_media_type", lambda client: post(client, b"x=5", content_type="text/plain")),
    (422, "invalid_input", lambda client: post(client, {"inputs": {"x": "five"}})),
    (429, "too_many_requests", try_often),
    (431, "too_many_cookies", lambda client: client.get(MODELS, headers={"cookie": "a=" + "b" * 9_000})),
    (500, "fault", lambda client: client.get(f"{MODELS}/broken/versions/1")),
    (503, "model_not_ready", spoil),
]
HEADERS = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}


def test_every_error_has_one_shape_and_says_what_to_do_next(client, site):
    for status, code, send in ERRORS:
        answer = send(client)
        assert (answer.status_code, answer["Content-Type"]) == (status, JSON), (status, code)
        assert answer.json().keys() == {"error"}
        error = answer.json()["error"]
        assert error["code"] == (code or error["code"])
        assert error["message"].endswith(".")
        assert error.keys() <= {"code", "message", "fields", "codes"}
        assert error.get("fields", {}).keys() == error.get("codes", {}).keys()
        assert bool(error.get("fields")) == (status == 422 or code == "invalid_parameters" or status == 409)
        assert status not in HEADERS or answer[HEADERS[status]]
    assert Prediction.objects.count() == 1  # Of the reference.
    assert {status for status, _, _ in ERRORS} >= {400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503}


def read_documented():
    """The codes of each status in the table of docs/api.md."""
    table = re.findall(r"^\| (\d{3}) \|.*\|([^|]*)\|$", Path("docs/api.md").read_text(), re.MULTILINE)
    return {int(status): set(re.findall(r"`(\w+)`", codes)) for status, codes in table}


def test_the_documentation_has_every_code_and_no_other():
    sources = [file.read_text() for folder in ("predictor", "mlsite") for file in Path(folder).rglob("*.py")]
    documented = read_documented()
    for source in sources:
        for status, code in re.findall(r'(?:Refused\(|request,)\s*(\d{3}),\s*"(\w+)"', source):
            assert code in documented[int(status)], (status, code)
    for code in set.union(*documented.values()):
        # `conflicting_outcome` is made of a result.
        written = (f'"{code}"', f'"{code.removesuffix("_outcome")}"')
        assert any(each in source for source in sources for each in written), code
    for status, code, _ in ERRORS:
        assert code is None or code in documented[status]
    fields = set(
        re.findall(r"`(\w+)`", Path("docs/api.md").read_text().partition("Codes in `codes`")[2].partition("##")[0])
    )
    of_api = "".join(file.read_text() for file in Path("predictor/api").glob("*.py"))
    parameters = re.findall(r'ParameterProblem\(\s*code="(\w+)"', of_api)
    assert fields >= {*get_args(Code), *get_args(Result)[2:], *parameters}


def test_every_address_refuses_other_methods_and_names_its_own(client, site):
    """Also the addresses of tomorrow: all are taken from where they are defined."""
    filled = {"<slug:slug>": "line", "<id:id>": str(ID), "<int:number>": "1"}
    addresses = {}
    for pattern, each in list_operations(urlpatterns):
        for place, value in filled.items():
            pattern = pattern.replace(place, value)
        addresses.setdefault(pattern, set()).add(each.method)
    addresses["api/docs"] = {"GET"}
    assert len(addresses) > 5
    program = Client(enforce_csrf_checks=True)
    for address, methods in addresses.items():
        answer = program.patch(f"/{address}")
        assert (answer.status_code, answer["Content-Type"]) == (405, JSON), address
        assert set(answer["Allow"].split(", ")) == methods | ({"HEAD"} if "GET" in methods else set())


def test_all_operations_but_predictions_take_part_in_the_ordinary_middleware():
    direct = [pattern for pattern, each in list_operations(urlpatterns) if each.is_direct]
    assert direct == ["api/v1/models/<slug:slug>/predict"]
    assert Route.csrf_exempt  # Since a signed-in user's token is asked for by the frame, whose refusal is JSON.


def test_a_signed_in_users_request_from_another_site_is_refused(client, site, settings):
    settings.API_ACCESS = "keys"
    answer = send_from_another_site(client)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "token_missing")
