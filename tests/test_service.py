import logging
import platform
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from predictor import refreshing
from predictor.estimators.compiled import CompiledModel
from predictor.exceptions import ModelNotFound, ModelNotReady, NoAnswer
from predictor.models import Artifact, Prediction
from predictor.registry import versions as registry
from predictor.serving import live
from predictor.serving import service as service_module
from predictor.serving.service import ModelService, give_back_memory
from predictor.threads import run_here, set_runner
from tests.memory import read_memory
from tests.together import run_together
from tests.training import train

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture
def service(monkeypatch):
    """A worker's service that looks at the database at every request."""
    monkeypatch.setattr(service_module, "SECONDS_BETWEEN_LOOKS", 0)
    yield ModelService()
    set_runner(run_here)


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
    service = ModelService()
    caplog.set_level(logging.INFO)
    found = run_together([lambda: service.get_runtime("line")] * 8)
    assert len({id(runtime) for runtime in found}) == 1
    assert [r.getMessage() for r in caplog.records].count("line 1 is loaded") == 1


def test_a_compiled_model_is_loaded_where_the_worker_says(service, line):
    called = []

    def call(work):
        called.append(work)
        return work()

    set_runner(call)
    assert isinstance(service.get_runtime("line").estimator, CompiledModel)
    assert len(called) == 1


class Hurdle:
    """Where a version is loaded: nobody gets on before it is opened."""

    def __init__(self):
        self.is_reached, self.is_open = threading.Event(), threading.Event()

    def call(self, work):
        self.is_reached.set()
        assert self.is_open.wait(20)
        return work()


@pytest.fixture
def pool(transactional_db):
    with ThreadPoolExecutor(8) as threads:
        yield threads
        list(threads.map(lambda _: connection.close(), range(8)))


def ask(service):
    try:
        return service.get_runtime("line").version.number
    finally:
        connection.close()


@pytest.fixture
def hurdle(service, models_dir, pool):
    """Before version 2, which is live, while the service still holds version 1."""
    train(models_dir, "line")
    ask(service)
    hurdle = Hurdle()
    set_runner(hurdle.call)
    train(models_dir, "line")
    return hurdle


def test_requests_go_on_with_what_was_live_a_moment_ago_while_one_loads_what_is_newer(service, pool, hurdle):
    first = pool.submit(ask, service)
    assert hurdle.is_reached.wait(20)
    assert [ask(service) for _ in range(3)] == [1, 1, 1]
    hurdle.is_open.set()
    assert first.result() == 2


def test_a_watched_worker_loads_beside_the_requests(service, models_dir, pool):
    train(models_dir, "line")
    ask(service)
    service.is_watched = True
    train(models_dir, "line")
    assert [ask(service) for _ in range(3)] == [1, 1, 1]
    service.refresh()
    assert ask(service) == 2


@pytest.mark.parametrize("is_watched", [False, True])
def test_after_two_seconds_nobody_is_answered_by_the_version_before(service, pool, hurdle, monkeypatch, is_watched):
    """As after a promotion that an idle worker has not seen: all who come first get the newer version."""
    for module in (refreshing, live, service_module):
        monkeypatch.setattr(module, "SECONDS_BEHIND", 0)
    monkeypatch.setattr(service_module, "SECONDS_TO_WAIT", 20)
    service.is_watched = is_watched
    asked = [pool.submit(ask, service) for _ in range(5)]
    assert hurdle.is_reached.wait(20)
    hurdle.is_open.set()
    assert [each.result() for each in asked] == [2] * 5


def test_who_comes_while_a_look_is_under_way_waits_for_it_after_two_seconds(pool, monkeypatch, line):
    seen = live.LiveVersions()
    seen.look()
    monkeypatch.setattr(refreshing, "SECONDS_BEHIND", 0)
    monkeypatch.setattr(refreshing, "SECONDS_TO_WAIT", 20)
    with seen._looking:
        waiting = pool.submit(seen.look_if_behind, 0)
        assert not waiting.done()
    waiting.result()


def test_a_version_that_takes_long_to_load_is_not_waited_for(service, pool, hurdle, monkeypatch):
    monkeypatch.setattr(live, "SECONDS_BEHIND", 0)
    monkeypatch.setattr(service_module, "SECONDS_TO_WAIT", 0.05)
    first = pool.submit(ask, service)
    assert hurdle.is_reached.wait(20)
    assert [ask(service) for _ in range(3)] == [1, 1, 1]
    hurdle.is_open.set()
    assert first.result() == 2


def test_a_version_that_cannot_be_loaded_is_not_waited_for(service, models_dir, pool, monkeypatch):
    train(models_dir, "line")
    ask(service)
    monkeypatch.setattr(live, "SECONDS_BEHIND", 0)
    second = train(models_dir, "line")
    Artifact.objects.filter(version=second).update(signature="0" * 64)
    assert ask(service) == 1
    # Somebody tries once more, and nobody waits for that.
    with service._loading["line"]:
        assert [ask(service) for _ in range(3)] == [1, 1, 1]


def test_a_database_that_goes_away_while_a_version_is_loaded_is_asked_again(service, models_dir, pool, caplog):
    train(models_dir, "line")
    ask(service)
    failures = [OperationalError("gone")]

    def call(work):
        if failures:
            raise failures.pop()
        return work()

    set_runner(call)
    service.is_watched = True
    train(models_dir, "line")
    service.refresh()
    assert "the newest version of line was not loaded: gone" in caplog.text
    service.refresh()
    assert ask(service) == 2


def test_a_database_that_is_away_is_left_to_the_next_look_without_a_word(service, line, pool, caplog):
    ask(service)
    caplog.clear()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE predictor_promotion RENAME TO away")
    try:
        service.refresh()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO predictor_promotion")
    assert not caplog.records
    service.refresh()
    assert ask(service) == 1


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what was freed, and can be told not to")
def test_memory_that_loading_has_left_free_is_given_back():
    taken = [bytes(2_000) for _ in range(40_000)]
    kept = [bytes(2_000) for _ in range(10)]  # Above the rest, so that the heap cannot shrink by itself.
    taken.clear()
    before = read_memory("VmRSS")
    give_back_memory()
    assert before - read_memory("VmRSS") > 60
    assert len(kept) == 10
