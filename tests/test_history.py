import uuid

import pytest
from django.db import DatabaseError, IntegrityError, connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from predictor.models import IdempotencyKey, Prediction, Reference
from predictor.serving.claims import Attempt, Claims
from predictor.serving.history import FIELDS, insert_predictions, insert_rows
from tests.training import register_shipped

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

# Whatever JSON and an array of PostgreSQL's give a meaning of their own, and what neither may hold as it is.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12) | st.sampled_from(
    ["NULL", "null", "", " ", "{}", "{a,b}", '"', "\\", '\\"', "a\tb\r\nc", "'; --", "%s", "“é”", "🐧"]
)
# PostgreSQL makes whole numbers of larger ones; `Target.restore` reads them back.
numbers = st.floats(-1e15, 1e15)
values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | numbers | texts


def make(version, **given):
    usual = {"inputs": {"x": 5.0}, "output": 9.98, "source": "api", "duration_ms": 0.25}
    return Prediction(version=version, **usual | given)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(inputs=st.dictionaries(texts, values, max_size=3), output=numbers | texts, warnings=st.lists(texts, max_size=2))
def test_what_is_inserted_comes_back_as_it_was(line, inputs, output, warnings):
    probabilities = dict.fromkeys(warnings, 0.5) or None
    made = make(line, inputs=inputs, output=output, warnings=warnings, probabilities=probabilities)
    insert_predictions([made, make(line)])
    kept = Prediction.objects.get(id=made.id)
    for name in FIELDS:
        assert getattr(kept, name) == getattr(made, name), name
    assert Prediction.objects.filter(warnings=[]).exists()


def test_rows_that_are_there_already_are_only_passed_over_when_told(transactional_db):
    version = register_shipped("line")
    first, second = make(version), make(version)
    insert_predictions([first])
    with pytest.raises(DatabaseError):
        insert_predictions([first, second])
    assert Prediction.objects.count() == 1
    insert_predictions([first, second], again=True)
    assert {each.id for each in Prediction.objects.all()} == {first.id, second.id}


def test_one_row_that_the_database_refuses_refuses_all(transactional_db):
    version = register_shipped("line")
    rows = [{name: getattr(make(version), name) for name in FIELDS} for _ in range(3)]
    rows[1]["source"] = None
    with pytest.raises(DatabaseError):
        insert_rows(rows)
    assert not Prediction.objects.exists()


def test_predictions_and_what_they_claim_are_stored_together_or_not_at_all(transactional_db):
    version = register_shipped("line")
    first, second, third = make(version), make(version), make(version)
    attempt = Attempt(
        id=uuid.uuid4(), body=uuid.uuid4(), ends_at=1.5, write=lambda *each: "", answer='{"a": "\\u0000é"}'
    )
    name, other = ("line", '"a\\\n'), ("line", "b")
    insert_predictions([first], Claims(references=[(name, first.id)], attempts=[attempt]))
    for claims in (
        Claims(references=[(other, second.id), (name, third.id)]),
        Claims(references=[(other, second.id)], attempts=[attempt]),
    ):
        with pytest.raises(IntegrityError):
            insert_predictions([second, third], claims, again=True)
    taken = make(version, id=first.id)
    with pytest.raises(IntegrityError):
        insert_predictions([taken], Claims(references=[(other, second.id)]))
    assert [each.id for each in Prediction.objects.all()] == [first.id]
    assert list(Reference.objects.values_list("model", "reference", "prediction")) == [(*name, first.id)]
    [kept] = IdempotencyKey.objects.all()
    assert (kept.id, kept.body, kept.answer, kept.ends_at) == (attempt.id, attempt.body, attempt.answer, 1.5)


def test_many_rows_are_one_statement(django_assert_num_queries, line):
    statements = 1 if connection.vendor == "postgresql" else 3  # With its savepoint.
    with django_assert_num_queries(statements):
        insert_predictions([make(line, id=uuid.uuid4()) for _ in range(50)])
