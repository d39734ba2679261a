"""Bodies that are no JSON, or JSON that means nothing: each gets a 4xx that says so, small or large, and none a 500."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from predictor.api.large import MOST_SMALL_BYTES
from predictor.models import Prediction
from tests.test_api import LINE, post

# Of whitespace, which makes a body large.
PADDING = " " * MOST_SMALL_BYTES


@pytest.mark.django_db
@pytest.mark.parametrize("padding", ["", PADDING], ids=["small", "large"])
def test_a_key_that_an_object_has_twice_is_refused_and_named(client, line, padding):
    for body, key in [
        ('{"inputs": {"x": 1, "x": 1}}', "x"),
        ('{"inputs": {"x": 1, "\\u0078": 2}}', "x"),
        ('{"inputs": {"x": 1}, "inputs": {"x": 2}}', "inputs"),
        ('{"inputs": [{"x": 1}, {"x": 1, "x": ":"}]}', "x"),
        ('{"inputs": [{"x": 1}], "references": ["a"], "references": ["b:"]}', "references"),
        ('{"inputs": {"x": {"a": [{"b:\\"": 1, "b:\\"": 2}]}}}', 'b:"'),
        ('{"inputs": {"": 1, "": 2, "x": 1}}', ""),
    ]:
        answer = post(client, body[:-1] + padding + "}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "repeated_key"), body
        assert f"“{key}”" in answer.json()["error"]["message"]
    # The same keys in different objects, and colons in texts, are none.
    body = {"inputs": [{"x": "1"}, {"x": 2}], "references": ['a":"a":', '{"x":1,"x":2}']}
    assert post(client, json.dumps(body)[:-1] + padding + "}").status_code == 200


# Of what a decoder names at most by a byte: what it is, where it is, and what would be right.
NAMED = [
    ('{"inputs": {"x": NaN}}', "inputs.x is NaN, which is not a value of JSON: send null for a gap"),
    ('{"inputs": [{"x": 1}, {"x": -Infinity}]}', "inputs.1.x is -Infinity, which is not a value of JSON"),
    ('{"inputs": [{"x": 1}, {"x": 1e400}]}', "inputs.1.x is 1e400, which is too large a number"),
    ('{"inputs": {"x": "\\ud800"}}', "inputs.x is “\\ud800”, which has one half of a character in UTF-16"),
    ('{"inputs": {"x": 5}, "reference": "\\ud800"}', "reference is “\\ud800”, which has"),
    (b'{"inputs": {"x": "\xe9"}}', "it is not UTF-8, from byte 18 on"),
    (" ", "it is empty"),
    ('{"inputs": {"x": 5}, "more": 1}', "more"),
]


@pytest.mark.django_db
@pytest.mark.parametrize("padding", ["", PADDING], ids=["small", "large"])
def test_what_no_decoder_reads_is_named_with_what_would_be_right(client, line, padding):
    for body, sentence in NAMED:
        answer = post(client, body + (padding.encode() if isinstance(body, bytes) else padding))
        assert answer.status_code == 400, body
        # Of a row of a large body, bytes are counted from its beginning.
        expected = sentence if not padding else sentence.partition(", from")[0]
        assert expected in answer.json()["error"]["message"]


NUMBERS = ["NaN", "-Infinity", "1e400", "-1e400", "1e-400", "9" * 400, "9" * 5_000, "-0", "0.1e1", "1.", "01", "0x1"]
TEXTS = ['"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"a\\u0000"', '""', '":"', '"\\"', '"\x01"', '"é"', '"\u202e"']
DEEP = ["[" * 100_000, "[" * 900 + "]" * 900, '{"x":' * 900 + "1" + "}" * 900]
ODD = ["1", "5", '"5"', "true", "null", "{}", "[]", *NUMBERS, *TEXTS, *DEEP]
scalars = st.sampled_from(ODD) | st.text().map(json.dumps)
keys = st.sampled_from(['"x"', '"x"', '"inputs"', '"reference"', '"references"', '""', '"\\ud800"', "x", "1"])


def write_list(items):
    return f"[{','.join(items)}]"


def write_object(items):
    return f"{{{','.join(f'{key}:{value}' for key, value in items)}}}"


values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(write_list) | st.lists(st.tuples(keys, inner), max_size=3).map(write_object)
    ),
    max_leaves=8,
)
rows = st.builds("{{{}:{}}}".format, keys, values) | values
bodies = st.builds('{{"inputs":{}}}'.format, rows | rows.map("[{0},{0}]".format)) | values
bodies |= st.builds('{{"inputs":{{"x":5}},"reference":{}}}'.format, values)
bodies |= st.builds('{{"inputs":[{{"x":5}}],"references":{}}}'.format, values | values.map("[{}]".format))


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(b'{"inputs":{"x":"\xff"}}', True)
@example(b'{"inputs":{"x":"\xed\xa0\x80"}}', False)
@example(b"\xef\xbb\xbf\xef\xbb\xbf{}", False)
@example(b"", False)
@given(
    bodies.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=50),
    st.booleans(),
)
def test_whatever_is_sent_gets_an_answer_or_a_4xx_of_one_shape(client, line, body, is_large):
    before = Prediction.objects.count()
    answer = post(client, body + PADDING.encode() * is_large)
    content = json.loads(answer.content)
    if answer.status_code == 200:
        assert Prediction.objects.count() == before + len(content["predictions"])
        return
    assert answer.status_code in (400, 409, 413, 415, 422), body
    assert {"code", "message"} <= content["error"].keys() <= {"code", "message", "fields", "codes"}
    assert Prediction.objects.count() == before


@pytest.mark.django_db
def test_another_body_than_json_is_refused_for_all_content_types(client, line):
    for content_type in ("", "json", "application/json; charset=utf-16", "application/jsonp", "text/csv"):
        answer = client.post(LINE, data='{"inputs": {"x": 5}}', content_type=content_type)
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
