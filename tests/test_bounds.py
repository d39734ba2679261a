"""What is refused before it is parsed; tests/test_attacks.py tries it with a real server."""

import gzip
from urllib.parse import urlencode

import pytest
from django.test import Client, RequestFactory

from predictor.schema.kinds import make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.web.bounds import MORE_FIELDS, MOST_COOKIE_BYTES, TooMuch, check_headers, count_bytes, count_fields

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


def make_schema(features):
    target = Target(name="y", label="Y", task="regression")
    return Schema(features=tuple(features), target=target)


@pytest.mark.parametrize("client", [Client(), Client(enforce_csrf_checks=True)], ids=["token", "no token"])
@pytest.mark.parametrize("content_type", [FORM, None], ids=["form", "multipart"])
def test_a_form_with_far_more_fields_than_inputs_is_refused_by_their_number(client, line, content_type):
    fields = {f"a{n}": "1" for n in range(5000)}
    sent = {"data": urlencode(fields), "content_type": FORM} if content_type else {"data": fields}
    answer = client.post("/", **sent)
    assert answer.status_code == 413
    text = answer.content.decode()
    assert f"at most {1 + MORE_FIELDS} fields, not 5,000" in text or "at most 16 KB" in text


def test_a_few_unknown_fields_are_named_as_ever(client, line):
    answer = client.post("/", {"x": "5", **{f"a{n}": "1" for n in range(5)}})
    assert answer.status_code == 422
    assert "There is no field “a0”" in answer.content.decode()


def test_a_long_wrong_value_still_gets_a_message_of_its_own(client, line):
    answer = client.post("/", urlencode({"x": "1" * 10_000}), content_type=FORM)
    assert answer.status_code == 422


def test_a_form_without_a_model_may_have_a_few_fields(client, line):
    for path in ("/lime/", "/predictions/00000000-0000-0000-0000-000000000000/outcome/"):
        assert client.post(path, {f"a{n}": "1" for n in range(30)}).status_code == 413
        assert client.post(path, {"a": "1"}).status_code in (403, 404)


def test_the_admin_may_send_what_django_lets_it(admin_client):
    fields = {f"a{n}": "1" for n in range(900)}
    assert admin_client.post("/admin/predictor/version/", fields).status_code in (200, 302, 403)
    assert admin_client.post("/admin/predictor/version/", {f"a{n}": "1" for n in range(1100)}).status_code == 413


def test_each_feature_has_room_for_its_longest_choice():
    number = make_feature(name="x", kind="number", label="X")
    category = make_feature(name="c", kind="category", label="C", choices=("a" * 50, "ö" * 3000))
    assert count_bytes(make_schema([number])) > 200
    assert count_bytes(make_schema([number, category])) > len(urlencode({"c": "ö" * 3000, "x": "1"}))


def test_fields_are_counted_without_being_parsed():
    factory = RequestFactory()
    assert count_fields(factory.post("/", "a=1&b=2", content_type=FORM)) == 2
    assert count_fields(factory.post("/", {"a": "1&2", "b": "2"})) >= 2
    assert count_fields(factory.post("/", "", content_type=FORM)) == 1


def check(cookies):
    request = RequestFactory().get("/", HTTP_COOKIE=cookies)
    check_headers(request)
    return request.COOKIES


def test_quoted_cookies_that_python_reads_slowly_are_dropped_and_all_others_kept():
    slow = '"' + "\\" * 3000 + '"'
    assert check(f'csrftoken=abc; slow={slow}; sessionid=def; plain="quoted"') == {
        "csrftoken": "abc",
        "sessionid": "def",
        "plain": "quoted",
    }


def test_what_browsers_send_is_read():
    cookies = "; ".join(f"other{n}={'x' * 500}" for n in range(14)) + "; sessionid=def"
    assert check(cookies)["sessionid"] == "def"


def test_more_cookies_than_a_header_holds_are_refused():
    with pytest.raises(TooMuch, match="At most 8190 bytes") as refused:
        check("x" * (MOST_COOKIE_BYTES + 1))
    assert refused.value.status == 431


def test_a_body_that_does_not_tell_its_length_is_refused(client, line):
    answer = client.post("/", {"x": "5"}, HTTP_TRANSFER_ENCODING="chunked")
    assert answer.status_code == 411
    answer = client.post("/api/v1/models/line/predict", "{}", "application/json", HTTP_TRANSFER_ENCODING="chunked")
    assert (answer.status_code, answer.json()["error"]["code"]) == (411, "length_required")


@pytest.mark.parametrize(
    ("body", "status", "cause"),
    [
        (gzip.compress(b"x=5"), 303, ""),
        (b"x=5", 400, "not gzip"),
        (gzip.compress(b"x=" + b"5" * 500_000), 413, "The form is too large"),
        (gzip.compress(b"x=" + b"5" * 5_000_000), 413, "The form is too large"),
    ],
    ids=["right", "plain", "large", "bomb"],
)
def test_a_form_in_gzip_is_read_within_the_same_limits(client, line, body, status, cause):
    answer = client.post("/", body, content_type=FORM, headers={"content-encoding": "gzip"})
    assert answer.status_code == status
    assert cause in answer.content.decode()


@pytest.mark.parametrize(
    ("content_type", "encoding", "named"),
    [(f"{FORM}; charset=utf-16", "identity", "utf-16"), (FORM, "br", "br")],
)
def test_a_form_in_another_charset_or_compression_is_named(client, line, content_type, encoding, named):
    answer = client.post("/", b"x=5", content_type=content_type, headers={"content-encoding": encoding})
    assert answer.status_code == 415
    assert f"“{named}”" in answer.content.decode()
