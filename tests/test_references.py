"""A reference, the client's own id of a case, names one prediction of a model, whoever asks for it how often."""

import json

import pytest
from django.core.management import call_command
from django.db import Error, connection

from predictor.history.erasure import ERASED
from predictor.history.references import find_by_reference
from predictor.models import Prediction, Reference
from predictor.serving.service import service
from tests.test_api import LINE, post
from tests.test_hiding import make_sensitive
from tests.test_predict_journey import PENGUIN
from tests.training import register_shipped

pytestmark = pytest.mark.django_db
PENGUINS = "/api/v1/models/penguins/predict"
CASE = "customer-42/2026-03"


@pytest.fixture
def line():
    return register_shipped("line")


def ask(client, inputs, references=None, path=LINE):
    """Predict, and return the predictions; fails where that is refused."""
    name = "references" if isinstance(inputs, list) else "reference"
    answer = post(client, {"inputs": inputs, name: references}, path)
    assert answer.status_code == 200, answer.content
    return answer.json()["predictions"]


def refuse(client, body, status, code):
    """The codes by field of a request that is refused, of which nothing is stored."""
    stored = Prediction.objects.count(), Reference.objects.count()
    answer = post(client, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert stored == (Prediction.objects.count(), Reference.objects.count())
    return answer.json()["error"].get("codes", {})


@pytest.mark.both_databases
def test_the_same_reference_and_inputs_are_answered_with_the_kept_prediction_also_of_a_former_version(client, line):
    first = post(client, {"inputs": {"x": 5}, "reference": CASE})
    assert post(client, {"inputs": {"x": "5,0"}, "reference": CASE}).content == first.content
    register_shipped("line")
    service.forget()
    again = post(client, {"reference": CASE, "inputs": {"x": 5}}).json()
    assert again == first.json()
    assert again["version"] == 1
    mixed = post(client, {"inputs": [{"x": 5}, {"x": 6}, {"x": 5}], "references": [CASE, None, None]}).json()
    assert [each.pop("version", None) for each in mixed["predictions"]] == [1, None, None]
    assert (mixed["version"], mixed["predictions"][0]) == (2, again["predictions"][0])
    assert Prediction.objects.count() == 3
    assert find_by_reference("line", [CASE, "none"]) == {CASE: Prediction.objects.earliest("id").id}


@pytest.mark.both_databases
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL logs statements that fail")
def test_a_request_that_is_repeated_is_no_failed_statement_whose_values_the_database_logs(client, line):
    failed = []

    def note(execute, sql, params, many, context):
        try:
            return execute(sql, params, many, context)
        except Error:
            failed.append(sql)
            raise

    with connection.execute_wrapper(note):
        assert ask(client, {"x": 5}, CASE) == ask(client, {"x": 5}, CASE)
        refuse(client, {"inputs": {"x": 6}, "reference": CASE}, 409, "reference_taken")
    assert failed == []


@pytest.mark.both_databases
def test_with_other_inputs_it_is_a_conflict_that_names_the_row_and_nothing_of_the_request_is_stored(client, line):
    ask(client, {"x": 5}, CASE)
    codes = refuse(client, {"inputs": {"x": 6}, "reference": CASE}, 409, "reference_taken")
    assert codes == {"reference": "reference_taken"}
    body = {"inputs": [{"x": 1}, {"x": 5}, {"x": 6}], "references": ["other", None, CASE]}
    assert refuse(client, body, 409, "reference_taken") == {"references.2": "reference_taken"}
    assert ask(client, {"x": 1}, "other")


@pytest.mark.both_databases
def test_one_request_may_repeat_a_reference_only_with_the_same_inputs(client, line):
    first, other, second = ask(client, [{"x": 5}, {"x": 5}, {"x": "5"}], [CASE, None, CASE])
    assert first == second
    assert other["id"] != first["id"]
    assert Prediction.objects.count() == 2
    body = {"inputs": [{"x": 1}, {"x": 2}], "references": ["a", "a"]}
    assert refuse(client, body, 409, "reference_taken") == {"references.1": "reference_taken"}


@pytest.mark.both_databases
def test_numbers_are_the_same_however_the_database_keeps_them(client, line):
    rows = [{"x": x} for x in (1e22, 1e300, 0.1, 5e-324, -0.0, 3, 2**53 - 1)]
    references = [str(row["x"]) for row in rows]
    assert ask(client, rows, references) == ask(client, rows, references)
    others = {"inputs": [{"x": 77}] * len(rows), "references": references}
    assert len(refuse(client, others, 409, "reference_taken")) == len(rows)


@pytest.mark.both_databases
def test_gaps_and_texts_are_compared_and_each_model_has_its_own_references(client, line):
    register_shipped("penguins")
    gaps = {**PENGUIN, "sex": None}
    ask(client, {"x": 5}, CASE)
    first = post(client, {"inputs": gaps, "reference": CASE}, PENGUINS)
    given = {name: value for name, value in gaps.items() if value is not None}
    assert post(client, {"inputs": given, "reference": CASE}, PENGUINS).content == first.content
    answer = post(client, {"inputs": {**PENGUIN, "sex": "female"}, "reference": CASE}, PENGUINS)
    assert answer.status_code == 409


@pytest.mark.both_databases
def test_any_text_is_a_reference_and_is_compared_character_by_character(client, line):
    texts = [
        "\\",
        '"',
        "',",
        "{}",
        "NULL",
        "é\u202e🐧",
        "e\u0301\u202e🐧",
        "a\nb\t\x01\x7f",
        " a ",
        "a",
        "A",
        "%s",
        "x" * 200,
    ]
    made = ask(client, [{"x": 5}] * len(texts), texts)
    assert len({each["id"] for each in made}) == len(texts)
    for text, each in zip(texts, made, strict=True):
        assert ask(client, {"x": 5}, text) == [each]
    found = find_by_reference("line", texts)
    assert [str(found[text]) for text in texts] == [each["id"] for each in made]


def test_what_is_no_reference_is_refused_and_named(client, line):
    for body, status, named in [
        ({"inputs": {"x": 5}, "reference": ""}, 422, ["reference"]),
        ({"inputs": {"x": 5}, "reference": " \n"}, 422, ["reference"]),
        ({"inputs": {"x": 5}, "reference": "a\0"}, 422, ["reference"]),
        ({"inputs": {"x": 5}, "reference": "x" * 201}, 422, ["reference"]),
        ({"inputs": {"x": 5}, "reference": 42}, 422, ["reference"]),
        ({"inputs": {"x": 5}, "reference": [CASE]}, 422, ["reference"]),
        ({"inputs": [{"x": 5}, {"x": 6}], "references": [None, {}]}, 422, ["references.1"]),
        ({"inputs": [{"x": 5}] * 500, "references": [1] * 500}, 422, [f"references.{n}" for n in range(100)]),
        ({"inputs": [{"x": 5}], "references": CASE}, 400, []),
        ({"inputs": [{"x": 5}], "references": [CASE, CASE]}, 400, []),
        ({"inputs": [{"x": 5}], "reference": CASE}, 400, []),
        ({"inputs": {"x": 5}, "references": [CASE]}, 400, []),
        ('{"inputs": {"x": 5}, "reference": "\\ud800"}', 400, []),
    ]:
        codes = refuse(client, body, status, "invalid_input" if named else "malformed")
        assert codes == dict.fromkeys(named, "not_a_reference")


@pytest.mark.both_databases
def test_a_large_body_has_references_too(client, line):
    inputs = [{"x": number} for number in range(1000)]
    references = [f"{number}{'é' * 190}" for number in range(1000)]
    first = ask(client, inputs, references)
    assert ask(client, inputs[::-1], references[::-1]) == first[::-1]
    assert Prediction.objects.count() == Reference.objects.count() == 1000


def test_a_prediction_that_is_forgotten_or_deleted_frees_its_reference(client, line):
    [first] = ask(client, {"x": 5}, CASE)
    call_command("forget", first["id"])
    assert not Reference.objects.exists()
    [second] = ask(client, {"x": 6}, CASE)
    # As a process of a former build does it, which knows no references.
    Prediction.objects.filter(id=second["id"]).update(**ERASED)
    [third] = ask(client, {"x": 7}, CASE)
    Prediction.objects.filter(id=third["id"])._raw_delete("default")
    [fourth] = ask(client, {"x": 8}, CASE)
    assert str(Reference.objects.get().prediction_id) == fourth["id"]


@pytest.mark.parametrize("how", ["hash", "drop"])
def test_of_sensitive_inputs_what_is_kept_is_compared(client, models_dir, settings, how):
    settings.INPUT_HASH_KEY = "first" * 20
    make_sensitive(models_dir, how)
    first = ask(client, {"x": 5}, CASE)
    settings.INPUT_HASH_KEY, settings.INPUT_HASH_KEY_FALLBACKS = "second" * 20, ["first" * 20]
    assert ask(client, {"x": 5}, CASE) == first
    other = post(client, {"inputs": {"x": 6}, "reference": CASE})
    assert other.status_code == (409 if how == "hash" else 200)
    assert "5" not in json.dumps(other.json()["error"]["fields"]) if how == "hash" else True


def test_inputs_without_an_answer_store_no_reference(client, line):
    body = {"inputs": [{"x": 1}, {"x": 1.7e308}], "references": ["a", "b"]}
    assert refuse(client, body, 422, "no_answer") == {}
