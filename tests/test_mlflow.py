import io
import json
import re

import polars as pl
import pytest
from django.test import Client, RequestFactory

from benchmarks.mlflow_requests import CSV, JSON, PARQUET, PENGUIN, REQUESTS
from predictor.access.callers import Scope
from predictor.access.keys import make_key
from predictor.api.bodies import parse_rows
from predictor.api.mlflow import VERSION, choose_reader
from predictor.models import Prediction
from predictor.registry.retirement import retire
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.serving.service import service
from tests.training import register_shipped

pytestmark = pytest.mark.django_db
TARGET = Target(name="y", label="y", task="regression")
WINE = ["fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides", "free sulfur dioxide"]
WINE += ["total sulfur dioxide", "density", "pH", "sulphates", "alcohol"]
WHITE = [7.0, 0.27, 0.36, 20.7, 0.045, 45, 170, 1.001, 3.0, 0.45, 8.8]
RED = [14.23, 1.71, 2.43, 15.6, 127.0, 2.8, 3.06, 0.28, 2.29, 5.64, 1.04, 3.92, 1065.0]
ABC = [{"a": 1, "b": 2}, {"a": 3, "b": 4}, {"a": 5, "b": 6}]
MOMENTS = ["2020-01-01T00:00:00+00:00", "2020-02-01T12:34:56+00:00", "2021-03-01T00:00:00+00:00"]
# Every request to a table's model in MLflow's documentation: where it stands, the content type, the body, the kinds of
# the model's inputs by name, and the rows that are read. Others there are for models of chats and of tensors.
DOCUMENTED = [
    (
        "Deploy MLflow Model as a Local Inference Server",
        "application/json",
        '{"inputs": [[1, 2], [3, 4], [5, 6]]}',
        {"a": "number", "b": "number"},
        ABC,
    ),
    (
        "the same in MLflow 2.11, with a semicolon",
        "application/json;",
        '{"inputs": [[1, 2], [3, 4], [5, 6]]}',
        {"a": "number", "b": "number"},
        ABC,
    ),
    (
        "the same, CSV Input",
        "application/csv",
        "1,2,3,4",
        dict.fromkeys("abcd", "number"),
        [{"a": 1, "b": 2, "c": 3, "d": 4}],
    ),
    (
        "the same, params",
        "application/json",
        """{
    "inputs": {"question": ["What color is it?"],
                "context": ["Some people said it was green but I know that it is pink."]},
    "params": {"max_answer_len": 10}
}""",
        {"question": "text", "context": "text"},
        [
            {
                "question": "What color is it?",
                "context": "Some people said it was green but I know that it is pink.",
            }
        ],
    ),
    (
        "the same, JSON Input, instances",
        "application/json",
        '{"instances": [1.0, 2.0, 5.0]}',
        {"x": "number"},
        [{"x": 1}, {"x": 2}, {"x": 5}],
    ),
    (
        "the same, Encoding complex data, binary",
        "application/json",
        """[
    {"a": 0, "b": "dGVzdCBiaW5hcnkgZGF0YSAw"},
    {"a": 1, "b": "dGVzdCBiaW5hcnkgZGF0YSAx"},
    {"a": 2, "b": "dGVzdCBiaW5hcnkgZGF0YSAy"}
]""",
        {"a": "integer", "b": "text"},
        [{"a": number, "b": f"dGVzdCBiaW5hcnkgZGF0YSA{end}"} for number, end in enumerate("wxy")],
    ),
    (
        "the same, Encoding complex data, datetime",
        "application/json",
        """[
    {"a": 0, "b": "2020-01-01T00:00:00Z"},
    {"a": 1, "b": "2020-02-01T12:34:56Z"},
    {"a": 2, "b": "2021-03-01T00:00:00Z"}
]""",
        {"a": "integer", "b": "datetime"},
        [{"a": number, "b": moment} for number, moment in enumerate(MOMENTS)],
    ),
    (
        "mlflow models serve --help, records",
        "application/json",
        """{
            "dataframe_records": [{"a":1, "b":2}, {"a":3, "b":4}, {"a":5, "b":6}]
        }""",
        {"a": "number", "b": "number"},
        ABC,
    ),
    (
        "mlflow models serve --help, split",
        "application/json",
        """{
            "dataframe_split": {"columns": ["a", "b"],
                                "index": [0, 1, 2],
                                "data": [[1, 2], [3, 4], [5, 6]]}
        }""",
        {"a": "number", "b": "number"},
        ABC,
    ),
    (
        "MLflow Model Serving, curl",
        "application/json",
        '{"inputs": [[1, 2, 3, 4]]}',
        dict.fromkeys("abcd", "number"),
        [{"a": 1, "b": 2, "c": 3, "d": 4}],
    ),
    (
        "MLflow Model Serving, requests",
        "application/json",
        json.dumps({"dataframe_split": {"columns": [f"feature{n}" for n in range(1, 5)], "data": [[1, 2, 3, 4]]}}),
        {f"feature{n}": "number" for n in range(1, 5)},
        [{f"feature{n}": n for n in range(1, 5)}],
    ),
    (
        "Tutorial of the command line",
        "application/json",
        '{"dataframe_split": {"columns": ["x"], "data": [[1], [-1]]}}',
        {"x": "number"},
        [{"x": 1}, {"x": -1}],
    ),
    (
        "Hyperparameter Tuning Quickstart, curl and requests",
        "application/json",
        json.dumps({"dataframe_split": {"columns": WINE, "data": [WHITE]}}),
        dict.fromkeys(WINE, "number"),
        [dict(zip(WINE, WHITE, strict=True))],
    ),
    (
        "Deploy to Kubernetes",
        "application/json",
        json.dumps({"inputs": [RED]}),
        {f"x{n}": "number" for n in range(13)},
        [{f"x{n}": value for n, value in enumerate(RED)}],
    ),
]


def invoke(client, body, content_type=JSON, query="", **headers):
    sent = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(
        f"/invocations{query}", sent, content_type=content_type, CONTENT_TYPE=content_type, headers=headers
    )


def write_parquet(columns, **options):
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content_type", "body", "kinds", "rows"),
    [each[1:] for each in DOCUMENTED],
    ids=[each[0] for each in DOCUMENTED],
)
def test_what_mlflows_documentation_sends_is_read(content_type, body, kinds, rows):
    zone = {"datetime": {"zone": "UTC"}}
    features = tuple(
        make_feature(kind=kind, name=name, label=name, **zone.get(kind, {})) for name, kind in kinds.items()
    )
    schema = Schema(features=features, target=TARGET)
    read, _ = choose_reader(RequestFactory().post("/invocations", body, content_type=content_type))
    assert [row.values for row in parse_rows(schema, read(body.encode(), schema))] == rows


def test_the_answers_are_mlflows_or_it_is_said_why_not(client):
    """What MLflow itself answers is recorded with the requests; `python -m benchmarks.against_mlflow` asks it again."""
    for model in ("line", "penguins"):
        register_shipped(model)
    for request in REQUESTS:
        if request.content_type == PARQUET and not request.differs:
            continue  # Each starts a process; the tests below send what matters.
        answer = invoke(client, request.write(), request.content_type, f"?model={request.model}")
        is_other = answer.status_code != request.status
        assert is_other == bool(request.differs), (request.title, answer.status_code, answer.content)
        if answer.status_code == 200:
            assert answer.json().keys() == {"predictions"}, request.title
        elif answer.status_code == 400:
            assert answer.json().keys() == {"error_code", "message"}, request.title
            assert answer.json()["error_code"] == "BAD_REQUEST", request.title


@pytest.mark.both_databases
def test_each_row_is_stored_as_one_of_the_api_and_the_answers_are_its_outputs(client, line):
    bodies = [
        ({"dataframe_split": {"columns": ["x"], "data": [[5], [11]]}}, JSON),
        ({"dataframe_records": [{"x": 5}, {"x": 11}]}, JSON),
        ({"instances": [5, 11]}, JSON),
        ({"inputs": {"x": [5, 11]}}, JSON),
        ("x\n5\n11\n", CSV),
        (write_parquet({"x": [5, 11]}), PARQUET),
    ]
    for body, content_type in bodies:
        answer = invoke(client, body, content_type).json()
        stored = sorted(Prediction.objects.all(), key=lambda prediction: prediction.inputs["x"])
        assert answer == {"predictions": [prediction.output for prediction in stored]}
        assert [prediction.inputs for prediction in stored] == [{"x": 5.0}, {"x": 11.0}]
        assert [bool(prediction.warnings) for prediction in stored] == [False, True]
        assert {prediction.source for prediction in stored} == {"api"}
        Prediction.objects.all().delete()


def test_every_type_of_a_parquet_column_is_read_as_the_same_input_of_json(client, penguins):
    columns = {name: [value, value] for name, value in PENGUIN.items()}
    table = pl.DataFrame(columns).with_columns(
        pl.col("island").cast(pl.Categorical),
        pl.col("bill_length_mm").cast(pl.Float32),
        pl.col("bill_depth_mm").cast(pl.Decimal(10, 2)),
        pl.col("flipper_length_mm").cast(pl.UInt8),
        pl.Series("body_mass_g", [4450.0, float("nan")]),
        pl.Series("__index_level_0__", [7, 8]),
    )
    assert invoke(client, write_parquet(table), PARQUET, "?model=penguins").status_code == 200
    stored = [prediction.inputs for prediction in Prediction.objects.all()]
    assert sorted(stored, key=lambda inputs: inputs["body_mass_g"] is None) == [
        PENGUIN,
        {**PENGUIN, "body_mass_g": None},
    ]


# What is too much or cannot be read: the body, its type, and the status and a part of the message that it gets.
REFUSED = [
    ({"instances": [5] * 1001}, JSON, 413, "at most 1,000 rows, not 1,001"),
    ({"inputs": {"x": [5] * 1001}}, JSON, 413, "at most 1,000 rows"),
    ("x\n" + "5\n" * 1001, CSV, 413, "at most 1,000 rows"),
    ({"instances": ["a" * 4_000_000]}, JSON, 413, "at most 4,000,000 bytes"),
    ("[" * 3_000_000, JSON, 400, "objects and lists"),
    ('{"inputs": ' + '{"a":' * 15_000 + "1" + "}" * 15_000 + "}", JSON, 400, "cannot be read"),
    ('{"inputs": [NaN, ' + "[" * 15_000 + "]" * 15_000 + "]}", JSON, 400, "cannot be read"),
    ('{"inputs": [NaN, 1e400]}', JSON, 400, "cannot be read"),
    ('{"inputs": [NaN, Infinity]}', JSON, 400, "cannot be read"),
    ('{"inputs": ["NaN", NaN]}', JSON, 400, "1.x: A value is needed"),
    ('{"inputs": [5], ' + ", ".join(f'"k{n}": 1' for n in range(2_000)) + "}", JSON, 400, "too many other keys"),
    ('{"inputs": [NaN, ' + "9" * 5_000 + "]}", JSON, 400, "cannot be read"),
    ('{"inputs": [' + "9" * 400 + "]}", JSON, 400, "0.x: "),
    ('{"inputs": ["\\ud800"]}', JSON, 400, "cannot be read"),
    ('{"inputs": ["\\u0000"]}', JSON, 400, "0.x: "),
    ('{"inputs": [{"x": 1, "x": 2}]}', JSON, 400, "“x”"),
    ('{"inputs": [1], "inputs": [2]}', JSON, 400, "“inputs”"),
    ('{"inputs": [1], "more": {"a": 1, "a": 2}}', JSON, 400, "“a”"),
    ('{"inputs": {"x": [1], "x": [2]}}', JSON, 400, "“x”"),
    ('{"inputs": {"x": [1], "x": [NaN]}}', JSON, 400, "“x”"),
    ('{"inputs": [1], "inputs": [2]}' + " " * 100_000, JSON, 400, "“inputs”"),
    ('{"dataframe_split": {"columns": ["x"], "data": [[1]], "data": [[2]]}}', JSON, 400, "“data”"),
    ('{"inputs": {}}', JSON, 400, "0.x: "),
    ('{"inputs": [null]}', JSON, 400, "0.x: "),
    ('{"inputs": null}', JSON, 400, "0.x: "),
    ('{"inputs": [{"x": 5}, [5]]}', JSON, 400, "All rows must be lists"),
    ('{"dataframe_split": {"columns": {"x": 1}, "data": [[5]]}}', JSON, 400, "cannot be read"),
    ('{"dataframe_split": {"columns": [null], "data": [[5]]}}', JSON, 400, "cannot be read"),
    ({"dataframe_split": {"columns": [str(n) for n in range(20_001)], "data": [[]]}}, JSON, 400, "20,000 columns"),
    ('{"dataframe_records": [5]}', JSON, 400, "Row 0 must be an object"),
    (b"\xff\xfe", JSON, 415, "UTF-16"),
    (b"\xff", JSON, 400, "cannot be read"),
    (b"x\n\xff\n", CSV, 400, "cannot be read"),
    ('x\n"5', CSV, 400, "cannot be read"),
    ("x\n" + "5" * 200_000, CSV, 400, "0.x: "),
    ("x\n5\0\n", CSV, 400, "0.x: "),
    ("x,x\n5,6\n", CSV, 400, "same name"),
    ("," * 3_000_000, CSV, 400, "20,000 columns"),
    ("x=5", "application/x-www-form-urlencoded", 415, "only supports"),
    ("x", "multipart/form-data; boundary=x", 415, "Unrecognized"),
    ("x\n5\n", "text/csv; charset=latin-1", 415, "UTF-8"),
]


def refuse(client, body, content_type, status, message):
    answer = invoke(client, body, content_type)
    assert (answer.status_code, message in answer.content.decode()) == (status, True), answer.content[:500]
    assert len(answer.content) < 3_000
    assert not Prediction.objects.exists()


def test_what_is_too_much_or_cannot_be_read_is_refused_and_nothing_stored(client, line):
    for case in REFUSED:
        refuse(client, *case)


def test_a_parquet_file_with_too_much_in_it_is_refused_however_small_it_is(client, line):
    refuse(client, write_parquet({"x": [[5]]}), PARQUET, 400, "one value")
    refuse(client, write_parquet({"x": [5.0] * 1001}), PARQUET, 413, "at most 1,000 rows")
    # A few KB that unpack to 20 and to 150 MB.
    refuse(client, write_parquet({"x": ["a" * 20_000] * 1000}), PARQUET, 413, "at most 4,000,000 bytes")
    refuse(client, write_parquet({"x": ["a" * 150_000] * 1000}), PARQUET, 400, "too much memory")


def test_a_column_that_may_be_misspelt_is_named_and_one_beside_all_inputs_is_ignored(client, penguins):
    others = {name: value for name, value in PENGUIN.items() if name != "sex"}
    for form in ("dataframe_records", "instances", "inputs"):
        refused = invoke(client, {form: [{**others, "gender": "male"}]}, query="?model=penguins")
        assert "0.gender: There is no field" in refused.json()["message"]
        assert invoke(client, {form: [{**PENGUIN, "gender": "male"}]}, query="?model=penguins").status_code == 200


def test_the_model_is_the_named_one_or_the_default_or_the_only_one(client, line, penguins, settings):
    assert isinstance(invoke(client, {"inputs": [5]}).json()["predictions"][0], float)
    assert invoke(client, {"inputs": [PENGUIN]}, query="?model=penguins").json() == {"predictions": ["Gentoo"]}
    unknown = invoke(client, {"inputs": [5]}, query="?model=nothing")
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    settings.DEFAULT_MODEL = ""
    assert "?model=NAME" in invoke(client, {"inputs": [5]}).json()["message"]
    retire("penguins", by="tests", reason="")
    service.forget()
    assert invoke(client, {"inputs": [PENGUIN]}, query="?model=penguins").status_code == 410


def test_health_checks_answer_as_mlflows_do(client, line):
    for path in ("/ping", "/health"):
        answer = client.get(path, headers={"Host": "another"})
        assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"\n", JSON)
    assert client.get("/version").content.decode() == VERSION
    refused = client.post("/ping")
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")


def test_a_site_that_cannot_serve_its_model_is_not_healthy(client):
    answer = client.get("/ping")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert int(answer["Retry-After"]) > 0


def test_the_version_is_the_one_that_it_is_compared_with():
    from pathlib import Path

    pinned = Path("benchmarks/peers/mlflow/requirements.txt").read_text()
    assert re.search(r"^mlflow==(.+)$", pinned, re.MULTILINE)[1] == VERSION


def test_a_program_needs_no_token_and_gets_no_page(line, settings):
    settings.LANGUAGE, settings.OFFERED_LANGUAGES = "de", ["de"]
    client = Client(enforce_csrf_checks=True)
    assert invoke(client, {"inputs": [5]}).status_code == 200
    assert not client.cookies
    assert "is not a number" in invoke(client, {"inputs": ["viel"]}).json()["message"]
    wrong = client.get("/invocations")
    assert (wrong.status_code, wrong["Allow"], wrong.json()["error_code"]) == (405, "POST", "BAD_REQUEST")
    client.cookies["much"] = "a" * 9_000
    assert invoke(client, {"inputs": [5]}).json()["error_code"] == "BAD_REQUEST"
    # More than a form may send.
    assert invoke(Client(), '{"inputs": [5]}' + " " * 600_000).status_code == 200


@pytest.mark.parametrize("named", ["%00", "../line", "lime", "line&model=line"])
def test_what_is_no_models_name_is_refused(client, line, named):
    answer = invoke(client, {"inputs": [5]}, query=f"?model={named}")
    refusal = (400, "BAD_REQUEST") if "&" in named else (404, "RESOURCE_DOES_NOT_EXIST")
    assert (answer.status_code, answer.json()["error_code"]) == refusal


def test_an_address_with_a_slash_leads_to_the_one_without_as_mlflows_does(line):
    client = Client(enforce_csrf_checks=True)
    body = {"inputs": [5]}
    answer = client.post("/invocations/?model=line", body, content_type=JSON)
    assert (answer.status_code, answer["Location"]) == (307, "/invocations?model=line")
    assert client.post("/invocations/", body, content_type=JSON, follow=True).json().keys() == {"predictions"}


def test_plain_http_is_refused_in_mlflows_form(client, line, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert invoke(client, {"inputs": [5]}).json()["error_code"] == "PERMISSION_DENIED"
    assert client.get("/ping").status_code == 200


def test_a_key_is_asked_for_as_by_the_api(client, line, settings):
    settings.API_ACCESS = "keys"
    refused = invoke(client, {"inputs": [5]})
    assert (refused.status_code, refused.json()["error_code"]) == (401, "UNAUTHENTICATED")
    assert (refused["WWW-Authenticate"], "createkey" in refused.json()["message"]) == ("Bearer", True)
    statuses = {}
    for scope, model in [("predict", "line"), ("read", "line"), ("predict", "penguins")]:
        _, text = make_key(f"{scope} {model}", scopes=[Scope(scope)], models=[model], expires_at=None, by="tests")
        answer = invoke(client, {"inputs": [5]}, Authorization=f"Bearer {text}")
        statuses[scope, model] = (answer.status_code, answer.json().get("error_code"))
    refusal = (403, "PERMISSION_DENIED")
    assert statuses == {("predict", "line"): (200, None), ("read", "line"): refusal, ("predict", "penguins"): refusal}


def test_rows_are_counted_as_those_of_the_api(client, line, settings):
    settings.RATE_LIMIT_ADDRESS = "10/day"
    assert invoke(client, {"inputs": [5] * 8}).status_code == 200
    refused = invoke(client, {"inputs": [5] * 8})
    assert (refused.status_code, refused.json()["error_code"]) == (429, "REQUEST_LIMIT_EXCEEDED")
    assert int(refused["Retry-After"]) > 0
    assert Prediction.objects.count() == 8


def test_a_signed_in_user_sends_the_token_where_the_model_is_not_open(line, settings, django_user_model):
    settings.FORM_ACCESS = "login"
    client = Client(enforce_csrf_checks=True)
    assert invoke(client, {"inputs": [5]}).status_code == 401
    client.force_login(django_user_model.objects.create_user("ada"))
    assert invoke(client, {"inputs": [5]}).json()["error_code"] == "PERMISSION_DENIED"
    token = "a" * 32
    client.cookies[settings.CSRF_COOKIE_NAME] = token
    assert invoke(client, {"inputs": [5]}, **{"X-CSRFToken": token}).status_code == 200
