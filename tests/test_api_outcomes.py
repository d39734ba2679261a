"""What really happened, recorded by programs: for one prediction, or for many of a model."""

import json
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db.models import JSONField, Value
from django.middleware.csrf import get_token
from django.test import Client, RequestFactory

from predictor.access.keys import Scope, keys, make_key
from predictor.models import Outcome, Prediction, Reference
from tests.outcomes import PENGUINS, make_predictions, read_log

pytestmark = pytest.mark.django_db
FORGOTTEN = Value(None, JSONField())


def make(scope=Scope.OUTCOME, models=None, name="till"):
    """A key; a process that has just looked for new ones finds it at once."""
    keys.forget()
    return make_key(name, scopes=[scope], models=models, expires_at=None, by="tests")[1]


@pytest.fixture
def put(client):
    key = make()

    def put(path, body, key=key, content_type="application/json"):
        sent = body if isinstance(body, str) else json.dumps(body)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return client.put(f"/api/v1/{path}", sent, content_type=content_type, headers=headers)

    return put


@pytest.fixture
def lines():
    """Four predictions of a line, the first two with the references a and b."""
    made = make_predictions(4)
    for reference, prediction in zip("ab", made, strict=False):
        Reference.objects.create(prediction=prediction, model="line", reference=reference)
    return made


def name_one(prediction):
    return f"predictions/{prediction.id}/outcome"


@pytest.mark.both_databases
def test_an_outcome_is_recorded_in_the_name_of_the_key_and_again_is_unchanged(put, lines):
    first = put(name_one(lines[0]), {"outcome": 7.5})
    assert (first.status_code, first.json()["result"], first.json()["id"]) == (200, "accepted", str(lines[0].id))
    assert {**first.json()["outcome"], "recorded_at": None} == {
        "value": 7.5,
        "recorded_at": None,
        "recorded_by": "the key 'till'",
    }
    again = put(name_one(lines[0]), {"outcome": 7.5})
    assert (again.json()["result"], again.json()["outcome"]) == ("unchanged", first.json()["outcome"])
    assert read_log() == [(7.5, "the key 'till'", None)]


def test_another_outcome_replaces_only_where_that_is_asked_for(put, lines):
    put(name_one(lines[0]), {"outcome": 7})
    refused = put(name_one(lines[0]), {"outcome": 8})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflicting_outcome")
    assert refused.json()["error"]["fields"]["outcome"] == '“7” is recorded; "correct": true would replace it.'
    assert put(name_one(lines[0]), {"outcome": 8, "correct": True}).json()["outcome"]["value"] == 8
    assert [(value, replaced) for value, _, replaced in read_log()] == [(7, None), (8, 7)]


def test_a_class_is_one_that_the_model_knows_unless_new_ones_are_accepted(put):
    [penguin] = make_predictions(1, PENGUINS, "penguins")
    refused = put(name_one(penguin), {"outcome": "Emperor"})
    assert (refused.status_code, refused.json()["error"]["codes"]) == (422, {"outcome": "malformed"})
    assert "is not a class of this model" in refused.json()["error"]["fields"]["outcome"]
    assert put(name_one(penguin), {"outcome": "Emperor", "new_classes": True}).json()["outcome"]["value"] == "Emperor"


@pytest.mark.both_databases
def test_many_are_recorded_by_id_or_reference_and_each_row_is_reported(put, lines):
    rows = [
        {"id": str(lines[2].id), "outcome": 1},
        {"reference": "a", "outcome": 2},
        {"reference": "b", "outcome": 3.5},
        {"id": str(lines[0].id), "outcome": 2.0},
    ]
    answer = put("models/line/outcomes", {"outcomes": rows}).json()
    assert (answer["accepted"], answer["unchanged"]) == (3, 1)
    assert [(each["row"], each["result"]) for each in answer["rows"]] == [
        (0, "accepted"),
        (1, "accepted"),
        (2, "accepted"),
        (3, "unchanged"),
    ]
    assert answer["rows"][1] == {"row": 1, "id": None, "reference": "a", "result": "accepted", "reason": ""}
    assert answer["rows"][3]["reason"] == "row 1 has the same outcome"
    recorded = {str(each.prediction_id): each.value for each in Outcome.objects.all()}
    assert recorded == {str(lines[2].id): 1, str(lines[0].id): 2, str(lines[1].id): 3.5}
    assert put("models/line/outcomes", {"outcomes": rows}).json()["unchanged"] == 4
    assert len(read_log()) == 3


def test_one_row_that_is_refused_refuses_all_and_each_of_them_is_named(put, lines):
    [penguin] = make_predictions(1, PENGUINS, "penguins")
    forgotten = lines[3]
    Prediction.objects.filter(id=forgotten.id).update(output=FORGOTTEN)
    put(name_one(lines[0]), {"outcome": 7})
    rows = [
        {"id": str(lines[1].id), "outcome": 1},
        {"id": str(uuid4()), "outcome": 1},
        {"reference": "c", "outcome": 1},
        {"id": str(penguin.id), "outcome": "Adelie"},
        {"id": str(forgotten.id), "outcome": 1},
        {"id": "x", "outcome": 1},
        {"id": str(lines[2].id), "reference": "a", "outcome": 1},
        {"outcome": 1},
        {"reference": "\0", "outcome": 1},
        {"reference": "a" * 201, "outcome": 1},
        {"reference": "a", "outcome": 8},
        {"id": str(lines[2].id), "outcome": "seven"},
        {"id": str(lines[1].id), "outcome": ""},
        {"reference": "", "outcome": 1},
        {"reference": " ", "outcome": 1},
        {"reference": 42, "outcome": 1},
        {"id": str(lines[2].id), "reference": {"a": []}, "outcome": 1},
    ]
    error = put("models/line/outcomes", {"outcomes": rows}).json()["error"]
    assert error["code"] == "invalid_outcomes"
    assert error["message"] == "16 of 17 rows are refused, and nothing was stored."
    codes = ["unknown"] * 4 + ["malformed"] * 3 + ["not_a_reference"] * 2 + ["conflicting"] + ["malformed"] * 2
    codes += ["not_a_reference"] * 4
    assert error["codes"] == {str(number): code for number, code in enumerate(codes, start=1)}
    assert error["fields"]["2"] == "There is no prediction with this reference."
    # Of another model, and one that does not exist: the answer is the same.
    assert error["fields"]["1"] == error["fields"]["3"] == "There is no prediction with this id."
    assert error["fields"]["4"] == "It is forgotten."
    assert error["fields"]["7"] == "Give either an id or a reference."
    rule = "is not a reference: give 1 to 200 characters, without NUL and not all blank."
    assert error["fields"]["15"] == f"“42” {rule}"
    assert all(rule in error["fields"][number] for number, code in error["codes"].items() if code == "not_a_reference")
    one = put("models/line/outcomes", {"outcomes": [{"reference": " ", "outcome": 1}]}).json()["error"]
    assert one["message"] == "1 of 1 row is refused, and nothing was stored."
    both = {"id": str(lines[1].id), "reference": "", "outcome": 1}
    assert put("models/line/outcomes", {"outcomes": [both]}).status_code == 200
    many = put("models/line/outcomes", {"outcomes": [{"id": "x", "outcome": 1}] * 300}).json()["error"]
    assert len(many["fields"]) == len(many["codes"]) == 300
    assert len(read_log()) == 2


def test_rows_that_only_conflict_are_a_conflict(put, lines):
    put(name_one(lines[0]), {"outcome": 7})
    answer = put("models/line/outcomes", {"outcomes": [{"reference": "a", "outcome": 8}]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflicting_outcomes")
    corrected = put("models/line/outcomes", {"outcomes": [{"reference": "a", "outcome": 8}], "correct": True})
    assert corrected.json()["rows"][0]["reason"] == "replaces “7”"


def test_who_may_not_record_is_refused_and_learns_nothing(put, lines):
    path, body = name_one(lines[0]), {"outcome": 7}
    assert put(path, body, key=None).status_code == 401
    assert put(path, body, key=make(Scope.READ, name="reader")).status_code == 403
    other = make(models=["penguins"], name="other")
    unknown = uuid4()
    hidden, missing = (put(f"predictions/{id}/outcome", body, key=other) for id in (lines[0].id, unknown))
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content.replace(str(lines[0].id).encode(), b"") == missing.content.replace(str(unknown).encode(), b"")
    assert put("models/line/outcomes", {"outcomes": [{"reference": "a", **body}]}, key=other).status_code == 403
    assert read_log() == []


def test_a_signed_in_user_needs_the_permission_and_the_token(lines):
    client, path = Client(enforce_csrf_checks=True), f"/api/v1/{name_one(lines[0])}"
    user = User.objects.create_user("ada")
    client.force_login(user)
    request = RequestFactory().get("/")
    headers = {"X-CSRFToken": get_token(request)}
    client.cookies["csrftoken"] = request.META["CSRF_COOKIE"]

    def put(**headers):
        return client.put(path, '{"outcome": 7}', content_type="application/json", headers=headers)

    assert put(**headers).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="add_outcome"))
    assert put().json()["error"]["code"] == "token_missing"
    assert put(**headers).json()["outcome"]["recorded_by"] == "ada"


def test_a_forgotten_prediction_gets_no_outcome(put, lines):
    Prediction.objects.filter(id=lines[0].id).update(output=FORGOTTEN)
    assert put(name_one(lines[0]), {"outcome": 7}).status_code == 410
    assert read_log() == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("one", "{", 400),
        ("one", "[" * 100_000, 400),
        ("one", {}, 400),
        ("one", {"outcome": None}, 400),
        ("one", {"outcome": [7]}, 400),
        ("one", {"outcome": 7, "more": 1}, 400),
        ("one", '{"outcome": 7, "outcome": 8}', 400),
        ("one", '{"outcome": NaN}', 400),
        ("one", '{"outcome": 1e400}', 400),
        ("one", '{"outcome": "\\ud800"}', 400),
        ("one", {"outcome": 10**400}, 422),
        ("one", {"outcome": True}, 422),
        ("one", {"outcome": "x" * 100_000}, 422),
        ("models/line/outcomes", {"outcomes": []}, 400),
        ("models/line/outcomes", {"outcomes": [{"id": 5, "outcome": 7}]}, 400),
        ("models/line/outcomes", {"outcomes": [{"reference": "a", "outcome": 7}] * 1001}, 413),
        ("models/line/outcomes", "x" * 4_000_001, 413),
        ("models/nothing/outcomes", {"outcomes": [{"reference": "a", "outcome": 7}]}, 404),
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_stored(put, lines, path, body, status):
    answer = put(name_one(lines[0]) if path == "one" else path, body)
    assert (answer.status_code, list(answer.json())) == (status, ["error"]), answer.content
    assert len(answer.content) < 1_000
    assert read_log() == []


def test_another_content_type_and_method_are_refused(put, client, lines):
    assert put(name_one(lines[0]), "outcome=7", content_type="application/x-www-form-urlencoded").status_code == 415
    answer = client.post(f"/api/v1/{name_one(lines[0])}")
    assert (answer.status_code, answer["Allow"]) == (405, "PUT")
