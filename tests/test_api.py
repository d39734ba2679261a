import gzip
import json
import uuid

import pytest
from django.db import OperationalError, connection
from django.test import Client

from predictor.models import Artifact, Prediction
from tests.test_predict_journey import PENGUIN
from tests.training import register_shipped, train

pytestmark = pytest.mark.django_db
LINE = "/api/v1/models/line/predict"


@pytest.fixture
def line():
    return register_shipped("line")


def post(client, body, path=LINE, content_type="application/json"):
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(path, data=data, content_type=content_type)


@pytest.mark.both_databases
def test_one_row_is_answered_and_is_the_one_that_is_kept(client, line):
    answer = post(client, {"inputs": {"x": 5}})
    assert answer.status_code == 200
    [prediction] = answer.json()["predictions"]
    kept = Prediction.objects.get()
    assert (answer.json()["model"], answer.json()["version"]) == ("line", 1)
    assert prediction == {
        "id": str(kept.id),
        "output": kept.output,
        "interval": kept.interval,
        "probabilities": None,
        "warnings": [],
    }
    assert kept.source == "api"
    assert kept.inputs == {"x": 5.0}


@pytest.mark.both_databases
def test_many_rows_are_answered_in_their_order_and_all_kept(client, line):
    answer = post(client, {"inputs": [{"x": x} for x in range(1000)]})
    outputs = [prediction["output"] for prediction in answer.json()["predictions"]]
    assert outputs == sorted(outputs)
    kept = {str(p.id): p.output for p in Prediction.objects.all()}
    assert kept == {p["id"]: p["output"] for p in answer.json()["predictions"]}


@pytest.mark.parametrize("body", [{"inputs": {"x": 5}}, {"inputs": {"x": "five"}}, "no JSON"])
def test_every_answer_tells_its_length(client, line, body):
    answer = post(client, body)
    assert answer["Content-Length"] == str(len(answer.content))


def test_a_class_comes_with_its_probabilities_and_warnings(client):
    register_shipped("penguins")
    answer = post(client, {"inputs": {**PENGUIN, "bill_length_mm": 90}}, "/api/v1/models/penguins/predict").json()
    [prediction] = answer["predictions"]
    assert prediction["output"] in prediction["probabilities"]
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)
    assert prediction["warnings"] == ["Bill length: 90 is outside what the model has seen: 32.1 to 55.9"]
    assert prediction["interval"] is None


def test_no_cookie_and_no_token_is_asked_for_or_given(line):
    client = Client(enforce_csrf_checks=True)
    assert post(client, {"inputs": {"x": 5}}).status_code == 200
    assert not client.cookies


@pytest.mark.parametrize(
    ("body", "status", "code", "fields"),
    [
        ("{", 400, "malformed", []),
        (b"\xff", 400, "malformed", []),
        ('{"inputs": {"x": NaN}}', 400, "malformed", []),
        ("[" * 100_000, 400, "malformed", []),
        ([], 400, "malformed", []),
        ({}, 400, "malformed", []),
        ({"inputs": {"x": 1}, "more": 1}, 400, "malformed", []),
        ({"inputs": 5}, 400, "malformed", []),
        ({"inputs": []}, 400, "malformed", []),
        ({"inputs": [{"x": 1}] * 1001}, 413, "too_many_rows", []),
        ("x" * 4_000_001, 413, "too_large", []),
        ({"inputs": {}}, 422, "invalid_input", ["x"]),
        ({"inputs": {"x": None}}, 422, "invalid_input", ["x"]),
        ({"inputs": {"x": "5x", "y": 1}}, 422, "invalid_input", ["x", "y"]),
        ({"inputs": {"x": [1]}}, 422, "invalid_input", ["x"]),
        ({"inputs": {"x": True}}, 422, "invalid_input", ["x"]),
        ({"inputs": {"x": 10**400}}, 422, "invalid_input", ["x"]),
        ({"inputs": {"x": "1,234"}}, 422, "invalid_input", ["x"]),
        ('{"inputs": {"x": ' + "9" * 5_000 + "}}", 400, "malformed", []),
        ('{"inputs": {"x": "\\ud800"}}', 400, "malformed", []),
        ({"inputs": {"x": "\u202e" * 40_000}}, 422, "invalid_input", ["x"]),
        ({"inputs": [["a"] * 50_000]}, 422, "invalid_input", ["0"]),
        ('{"inputs": [' + "[" * 800 + "]" * 800 + "]}", 422, "invalid_input", ["0"]),
        ({"inputs": [{"x": 1}, 10**400, None]}, 422, "invalid_input", ["1", "2"]),
        ({"inputs": [{"x": 1}, {"x": "a"}, 3, {"z": 1}]}, 422, "invalid_input", ["1.x", "2", "3.x", "3.z"]),
    ],
)
def test_what_cannot_be_answered_is_refused_with_every_field_and_nothing_is_kept(
    client, line, body, status, code, fields
):
    answer = post(client, body)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    error = answer.json()["error"]
    assert (error["code"], sorted(error.get("fields", {}))) == (code, fields)
    assert error["message"].endswith(".")
    assert not Prediction.objects.exists()


def test_values_are_repeated_as_json_writes_them(client, line):
    answer = post(client, {"inputs": [{"x": True}, {"x": {}}, None]})
    assert answer.json()["error"]["fields"] == {
        "0.x": "“true” is not a number: give a number such as 5.15.",
        "1.x": "One value is needed, not an object: give a number such as 5.15.",
        "2": "A row must be an object of fields, not “null”.",
    }
    unnamed = client.post(LINE, b"{}", content_type="")
    assert unnamed.json()["error"]["message"] == "Send application/json, and say so in Content-Type."


def test_what_is_refused_is_hardly_repeated_however_long_it_is(client, line):
    sent = {"inputs": [{"x": "\u202e" * 30_000, "y" * 50_000: 1}, "z" * 200_000, [["a" * 200_000]]]}
    answer = post(client, sent)
    assert answer.status_code == 422
    assert len(answer.content) < 2_000
    assert list(answer.json()["error"]["fields"]) == ["0." + "y" * 40 + "…", "0.x", "1", "2"]
    codes = answer.json()["error"]["codes"]
    assert codes == dict(zip(codes, ["unknown_field", "too_long", "not_a_row", "not_a_row"], strict=True))
    assert codes.keys() == answer.json()["error"]["fields"].keys()


@pytest.mark.parametrize(("typed", "x"), [("3,7", 3.7), ("1.234,5", 1234.5), ("1.234", 1.234), (3, 3.0), (3.0, 3.0)])
def test_a_number_may_come_as_a_text_with_a_comma(client, line, typed, x):
    assert post(client, {"inputs": {"x": typed}}).status_code == 200
    assert Prediction.objects.get().inputs == {"x": x}


def test_another_content_type_is_refused(client, line):
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert post(client, "x=5", content_type=content_type).status_code == 415
    assert post(client, {"inputs": {"x": 5}}, content_type="application/json; charset=utf-8").status_code == 200


def test_another_method_is_refused_with_the_right_one(client, line):
    answer = client.get(LINE)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_a_model_that_there_is_not_is_not_found(client, line):
    answer = post(client, {"inputs": {"x": 5}}, "/api/v1/models/lime/predict")
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "model_not_found", "message": "There is no model 'lime'."}}


def test_inputs_without_a_finite_answer_are_refused(client, line):
    answer = post(client, {"inputs": [{"x": 1}, {"x": 1.7e308}]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "no_answer")
    assert not Prediction.objects.exists()


def test_a_model_that_cannot_be_loaded_is_unavailable(client, line):
    Artifact.objects.update(signature="0" * 64)
    answer = post(client, {"inputs": {"x": 5}})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["code"] == "model_not_ready"


def test_a_database_that_is_away_is_unavailable_and_no_answer_is_given(client, line):
    def refuse_inserts(execute, sql, params, many, context):
        if sql.startswith("INSERT"):
            raise OperationalError("the server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse_inserts):
        answer = post(client, {"inputs": {"x": 5}})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["code"] == "unavailable"


def test_the_id_of_an_answer_is_the_address_of_its_page(client, line):
    [prediction] = post(client, {"inputs": {"x": 5}}).json()["predictions"]
    assert uuid.UUID(prediction["id"]).version == 7
    assert client.get(f"/predictions/{prediction['id']}/").status_code == 200


def test_an_address_that_there_is_not_is_told_so_in_json(client, line):
    for path in ("/api/", "/api/v1/models/line/predict/", "/api/v2/models/line/predict"):
        answer = post(client, {"inputs": {"x": 5}}, path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_what_goes_through_the_ordinary_middleware_answers_in_json_too(client, line):
    """Only predictions leave it early; the others read cookies, whose errors come from the middleware of pages."""
    answer = client.get("/api/v1/nothing", headers={"cookie": "a=" + "b" * 9_000})
    assert (answer.status_code, answer["Content-Type"]) == (431, "application/json")
    assert answer.json()["error"]["code"] == "too_many_cookies"
    large = client.put("/api/v1/nothing", b"x" * 600_000, content_type="application/json")
    assert (large.status_code, large.json()["error"]["code"]) == (404, "not_found")
    refused = client.get("/api/v1/nothing", headers={"host": "elsewhere.example"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "host_not_allowed")


def test_a_fault_of_ours_is_told_in_json_and_logged(client, models_dir, caplog):
    (models_dir / "line/pipeline.py").write_text(
        "from sklearn.linear_model import LinearRegression\n\n"
        "class Faulty(LinearRegression):\n"
        "    def predict(self, X):\n"
        "        if (X == 77).any():\n"
        "            raise RuntimeError('a slip')\n"
        "        return super().predict(X)\n\n"
        "def build(schema): return Faulty()\n"
    )
    train(models_dir, "line")
    answer = post(client, {"inputs": {"x": 77}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "fault")
    assert "a slip" not in answer.content.decode()
    assert "a slip" in caplog.text
    assert not Prediction.objects.exists()
    assert post(client, {"inputs": {"x": 5}}).status_code == 200


def test_an_answer_carries_its_request_id_and_what_protects_it(client, line):
    answer = client.post(
        LINE, data='{"inputs": {"x": 5}}', content_type="application/json", headers={"X-Request-ID": "a" * 32}
    )
    assert answer["X-Request-ID"] == "a" * 32
    assert answer["X-Content-Type-Options"] == "nosniff"


SENT = json.dumps({"inputs": {"x": 5}})


def send_encoded(client, body, encoding="gzip"):
    return client.post(LINE, body, content_type="application/json", headers={"content-encoding": encoding})


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_body_in_gzip_is_answered(client, line, encoding):
    assert send_encoded(client, gzip.compress(SENT.encode()), encoding).status_code == 200
    assert send_encoded(client, SENT, "identity").status_code == 200
    assert Prediction.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "status", "code", "cause"),
    [
        (SENT.encode(), 400, "malformed", "not gzip"),
        (gzip.compress(SENT.encode())[:-1], 400, "malformed", "cut off"),
        (gzip.compress(SENT.encode()) * 2, 400, "malformed", "Something follows"),
        (gzip.compress(SENT.encode())[:-8] + bytes(8), 400, "malformed", "not gzip"),
        (gzip.compress(bytes(50_000_000), 1), 413, "too_large", "at most 4,000,000 bytes"),
        (gzip.compress(b"[" * 3_000_000), 400, "malformed", "objects and lists"),
    ],
    ids=["plain", "torn", "two", "checksum", "bomb", "brackets"],
)
def test_a_body_in_gzip_is_read_within_the_same_limits(client, line, body, status, code, cause):
    answer = send_encoded(client, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert cause in answer.json()["error"]["message"]


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate", "\u20ac"])
def test_another_compression_is_named_with_the_one_to_use(client, line, encoding):
    answer = send_encoded(client, SENT, encoding)
    assert (answer.status_code, answer["Accept-Encoding"]) == (415, "gzip")
    assert f"not with Content-Encoding “{encoding}”" in answer.json()["error"]["message"]


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "utf_8", '"utf-8"', "us-ascii"])
def test_a_byte_order_mark_is_skipped(client, line, charset):
    content_type = f"application/json; charset={charset}"
    for sent in (b"\xef\xbb\xbf" + SENT.encode(), SENT.encode()):
        assert client.generic("POST", LINE, sent, content_type=content_type).status_code == 200


@pytest.mark.parametrize("charset", ["utf-16", "UTF-16LE", "utf-32", "iso-8859-1", "nonsense"])
def test_another_charset_is_named(client, line, charset):
    answer = client.generic("POST", LINE, SENT, content_type=f"application/json; charset={charset}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
    assert f"UTF-8, not in “{charset}”" in answer.json()["error"]["message"]


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_a_body_in_utf_16_that_does_not_say_so_is_named_too(client, line, charset):
    answer = post(client, SENT.encode(charset))
    assert answer.status_code == 415
    assert "UTF-16" in answer.json()["error"]["message"]
