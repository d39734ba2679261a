import json
from pathlib import Path

import jsonschema_rs
import pytest
import schemathesis

from predictor.access.keys import Scope, keys, make_key
from predictor.api.described_errors import ERRORS
from predictor.api.document import _make_document
from predictor.models import Prediction
from predictor.registry.retirement import retire
from predictor.serving.service import service
from tests.training import register_shipped

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/openapi.json"
PREDICT = "/api/v1/models/{}/predict"


def read(client):
    response = client.get(ADDRESS)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    return response.json()


def find_validator(document, name):
    """What validates a body against one of the document's own schemas."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def post(client, slug, body):
    return client.post(PREDICT.format(slug), json.dumps(body), content_type="application/json")


def test_it_is_a_valid_document_of_openapi_3_1(client, line, penguins):
    document = read(client)
    assert document["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(document).validate()
    names = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))


def test_each_live_model_has_an_address_with_its_own_inputs_and_predictions(client, line, penguins):
    document = read(client)
    island = document["components"]["schemas"]["penguins_inputs"]["properties"]["island"]
    assert island["enum"] == ["Biscoe", "Dream", "Torgersen"]
    for slug in ("line", "penguins"):
        described = document["paths"][PREDICT.format(slug)]["post"]
        body = described["requestBody"]["content"]["application/json"]["example"]
        answered = described["responses"]["200"]["content"]["application/json"]
        assert find_validator(document, f"{slug}_request").is_valid(body)
        answer = post(client, slug, body)
        assert answer.status_code == 200
        find_validator(document, f"{slug}_predictions").validate(answer.json())
        find_validator(document, f"{slug}_predictions").validate(answered["example"])
        assert answered["example"].keys() == answer.json().keys()
    assert Prediction.objects.count() == 2


def test_it_is_written_again_only_when_another_version_is_live(client, line):
    first = client.get(ADDRESS)
    again = client.get(ADDRESS, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    described = first.json()["paths"][ADDRESS]["get"]
    assert "304" in described["responses"]
    assert "ETag" in described["responses"]["200"]["headers"]
    # What asks whether something may be changed asks nothing of a GET.
    others = {"If-Match": '"a"', "If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}
    assert client.get(ADDRESS, headers=others).status_code == 200
    register_shipped("penguins")
    service.forget()  # A process notices within 2 s.
    other = client.get(ADDRESS, headers={"If-None-Match": first["ETag"]})
    assert other.status_code == 200
    assert PREDICT.format("penguins") in other.json()["paths"]


def test_a_retired_model_is_described_no_more(client, line, penguins):
    retire("line", by="tests", reason="")
    assert [path for path in read(client)["paths"] if path.endswith("/predict")] == [PREDICT.format("penguins")]


def test_it_has_the_models_that_the_caller_may_see(client, line, penguins):
    keys.forget()
    _, key = make_key("shop", scopes=[Scope.READ], models=["line"], expires_at=None, by="tests")
    document = client.get(ADDRESS, headers={"Authorization": f"Bearer {key}"}).json()
    assert [path for path in document["paths"] if path.endswith("/predict")] == [PREDICT.format("line")]


def test_it_says_what_needs_a_key(client, line, settings):
    document = read(client)
    assert document["paths"][PREDICT.format("line")]["post"]["security"] == [{}, {"key": ["predict"]}]
    assert document["paths"]["/api/v1/predictions/{id}"]["get"]["security"] == [{"key": ["read"]}]
    settings.API_ACCESS = "keys"
    assert client.get(ADDRESS).status_code == 401


def test_generators_of_code_find_nothing_that_they_do_not_know(client, line):
    text = client.get(ADDRESS).content.decode()
    assert '"prefixItems"' not in text
    assert '"items":false' not in text


def test_a_key_of_a_request_is_described_where_it_is_taken(client, line):
    [described] = read(client)["paths"][PREDICT.format("line")]["post"]["parameters"]
    assert (described["name"], described["in"]) == ("Idempotency-Key", "header")


def test_every_example_is_one_of_what_it_stands_for(client, line, penguins):
    document = read(client)
    for path in document["paths"].values():
        for described in path.values():
            for part in (described.get("requestBody", {}), described["responses"]["200"]):
                media = part.get("content", {}).get("application/json")
                if media:
                    schema = {**media["schema"], "components": document["components"]}
                    jsonschema_rs.validator_for(schema, validate_formats=True).validate(media["example"])


def test_the_example_of_an_error_is_one_that_the_site_answers():
    sources = [file.read_text() for file in Path("predictor").rglob("*.py") if file.name != "described_errors.py"]
    for status, described in ERRORS.items():
        assert any(f'"{described.example.code}"' in source for source in sources), status
        assert described.example.message.endswith(".")
        assert described.example.message != "…"


def test_what_a_setting_turns_off_is_not_described(client, line, settings):
    assert "/api/v1/models/line/try" not in read(client)["paths"]
    settings.TRIALS_API = True
    assert "/api/v1/models/line/try" in read(client)["paths"]


def test_one_query_reads_all_models_and_none_is_needed_for_the_same_models_again(
    client, line, penguins, django_assert_num_queries
):
    _make_document.cache_clear()
    ids = (line.id, penguins.id)
    with django_assert_num_queries(1):
        _make_document(ids, ("line", "penguins"), frozenset())
    with django_assert_num_queries(0):
        _make_document(ids, ("line", "penguins"), frozenset())
