import logging
import platform
import threading
import time

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from predictor.compiled import CompiledModel
from predictor.exceptions import ModelNotFound, ModelNotReady, NoAnswer
from predictor.models import Artifact, Prediction
from predictor.serving import registry
from predictor.serving import service as service_module
from predictor.serving.service import ModelService, give_back_memory
from tests.memory import read_memory
from tests.training import train

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture
def service(monkeypatch):
    """A worker's service that looks at the database at every request."""
    monkeypatch.setattr(service_module, "SECONDS_BETWEEN_LOOKS", 0)
    return ModelService()


def test_a_version_is_loaded_once(service, line, django_assert_num_queries):
    runtime = service.get_runtime("line")
    with django_assert_num_queries(1):  # Only the look at the live versions.
        assert service.get_runtime("line") is runtime


def test_between_two_looks_the_database_is_left_alone(line, django_assert_num_queries):
    service = ModelService()
    service.get_runtime("line")
    with django_assert_num_queries(0):
        service.get_runtime("line")


def test_a_promotion_is_noticed(service, models_dir, line):
    assert service.get_runtime("line").version == line
    second = train(models_dir, "line")
    assert service.get_runtime("line").version == second
    registry.promote(line, by="tests", reason="back")
    assert service.get_runtime("line").version == line


def test_an_unknown_model_is_not_found(service, line):
    with pytest.raises(ModelNotFound):
        service.get_runtime("nothing")


def test_the_default_model_without_a_version_is_not_ready(service, db):
    with pytest.raises(ModelNotReady, match="retrain line"):
        service.get_runtime("line")


def test_a_worker_keeps_the_version_that_works_and_is_not_ready(service, models_dir, line, caplog):
    service.get_runtime("line")
    second = train(models_dir, "line")
    Artifact.objects.filter(version=second).update(signature="0" * 64)

    assert service.get_runtime("line").version == line
    with pytest.raises(ModelNotReady, match="line 2 is live, but line 1 is served"):
        service.check_ready("line")
    *_, error = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert error.startswith("line 2 was not loaded (BadSignature): its manifest is not signed")


def test_a_worker_that_holds_none_has_no_answer(service, line):
    Artifact.objects.update(signature="0" * 64)
    for _ in range(2):
        with pytest.raises(ModelNotReady, match="not signed"):
            service.get_runtime("line")


def test_a_new_promotion_mends_what_could_not_be_loaded(service, models_dir, line):
    Artifact.objects.update(signature="0" * 64)
    with pytest.raises(ModelNotReady):
        service.get_runtime("line")
    second = train(models_dir, "line")
    assert service.get_runtime("line").version == second
    service.check_ready("line")


def test_many_rows_are_stored_in_one_insert(service, line):
    runtime = service.get_runtime("line")
    rows = [runtime.schema.parse({"x": x}) for x in range(50)]
    with CaptureQueriesContext(connection) as queries:
        predictions = service.predict(runtime, rows, Prediction.Source.CSV)
    assert len([query for query in queries if query["sql"].startswith("INSERT")]) == 1
    assert Prediction.objects.count() == 50
    assert [prediction.inputs["x"] for prediction in predictions] == list(range(50))


def test_a_row_without_a_finite_answer_stores_nothing(service, line):
    runtime = service.get_runtime("line")
    rows = [runtime.schema.parse({"x": x}) for x in (1, 1.7e308)]
    with pytest.raises(NoAnswer):
        service.predict(runtime, rows, Prediction.Source.CSV)
    assert not Prediction.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_threads_that_ask_at_once_load_once(models_dir, caplog):
    train(models_dir, "line")
    service, found = ModelService(), []

    def ask():
        found.append(service.get_runtime("line"))
        connection.close()

    caplog.set_level(logging.INFO)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(runtime) for runtime in found}) == 1
    assert [r.getMessage() for r in caplog.records].count("line 1 is loaded") == 1


def test_a_compiled_model_is_loaded_where_the_worker_says(service, line):
    called = []

    def call(work):
        called.append(work)
        return work()

    service.call = call
    assert isinstance(service.get_runtime("line").estimator, CompiledModel)
    assert len(called) == 1


def wait_for_version(service, number):
    deadline = time.monotonic() + 5
    while service.get_runtime("line").version.number != number:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
def test_a_newer_version_is_loaded_beside_the_requests_where_the_worker_says(service, models_dir):
    train(models_dir, "line")
    service.get_runtime("line")
    may_load = threading.Event()

    def call(work):
        assert may_load.wait(5)
        return work()

    service.loads_beside, service.call = True, call
    train(models_dir, "line")
    assert [service.get_runtime("line").version.number for _ in range(3)] == [1, 1, 1]
    may_load.set()
    wait_for_version(service, 2)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_while_a_version_is_loaded_is_asked_again(service, models_dir, caplog):
    train(models_dir, "line")
    service.get_runtime("line")
    failures = [OperationalError("gone")]

    def call(work):
        if failures:
            raise failures.pop()
        return work()

    service.loads_beside, service.call = True, call
    train(models_dir, "line")
    wait_for_version(service, 2)
    assert not failures
    assert "the newest version of line was not loaded: gone" in caplog.text


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what was freed, and can be told not to")
def test_memory_that_loading_has_left_free_is_given_back():
    taken = [bytes(2_000) for _ in range(40_000)]
    kept = [bytes(2_000) for _ in range(10)]  # Above the rest, so that the heap cannot shrink by itself.
    taken.clear()
    before = read_memory("VmRSS")
    give_back_memory()
    assert before - read_memory("VmRSS") > 60
    assert len(kept) == 10
