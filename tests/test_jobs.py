"""Jobs: taken by one worker at a time, taken over when it dies, and written only by who holds the newest lease."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from django.db import IntegrityError, connection

from predictor import jobs, tasks
from predictor.exceptions import RecipeError
from predictor.lifecycle.retraining import RetrainRequest, retrain_model
from predictor.management.scratch import PREFIX
from predictor.management.worker import SECONDS_BETWEEN_CHECKS, SECONDS_BETWEEN_LOOKS
from predictor.models import IdempotencyKey, Job, JobWorker, Version
from predictor.models.job import from_now
from tests.conftest import ROOT, make_database_url
from tests.load import Load
from tests.together import Background
from tests.visitor import Visitor
from tests.worker import CHUNKS, HUNGRY, KIND

pytestmark = pytest.mark.django_db


def enqueue(kind="rows", **arguments):
    return jobs.enqueue(kind, by="ada", model="line", arguments=arguments)


def take(worker="first"):
    return jobs.take(["rows", jobs.RETRAIN], worker)


def let_run_out(held):
    Job.objects.filter(pk=held.job.pk).update(lease_until=from_now(-1))


def find(job):
    return Job.objects.get(pk=job.pk)


def wait_for(condition, seconds=60):
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.05)


@pytest.mark.both_databases
def test_a_job_is_taken_once_by_kinds_that_the_build_knows_and_the_oldest_first():
    first, second = enqueue(), enqueue()
    enqueue("a kind of a later build")
    assert [take().job.pk, take().job.pk, take()] == [first.pk, second.pk, None]


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_worker_whose_lease_was_taken_over_commits_nothing_more():
    enqueue()
    former = take()
    assert take() is None
    let_run_out(former)
    newer = take("second")
    assert newer.job.pk == former.job.pk
    for write in (
        lambda: commit(former, 1),
        lambda: jobs.report(former, "a step"),
        lambda: jobs.finish(former, {}),
        lambda: jobs.fail(former, "an error"),
        lambda: jobs.fail_attempt(former, "an error"),
    ):
        with pytest.raises(jobs.LeaseLost):
            write()
    assert not jobs.hand_back(former)
    assert jobs.renew(former) == "lost"
    assert not IdempotencyKey.objects.exists()
    commit(newer, 1)
    jobs.finish(newer, {"rows": 1})
    assert (find(newer.job).cursor, find(newer.job).state, find(newer.job).result) == (1, "done", {"rows": 1})


def commit(held, cursor):
    with jobs.commit_chunk(held, cursor=cursor, done=cursor):
        IdempotencyKey.objects.create(id=held.lease, body=held.lease, answer="", ends_at=cursor)


@pytest.mark.django_db(transaction=True)
def test_a_chunk_that_fails_leaves_neither_rows_nor_cursor():
    enqueue()
    held = take()
    IdempotencyKey.objects.create(id=held.lease, body=held.lease, answer="", ends_at=0)
    with pytest.raises(IntegrityError):
        commit(held, 1)
    assert find(held.job).cursor is None


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_job_that_fails_three_times_at_the_same_place_stops_with_its_error():
    job = enqueue()
    for _ in range(2):
        jobs.fail_attempt(take(), "ValueError: no")
    held = take()
    commit(held, 1)  # What comes further begins to count anew.
    jobs.hand_back(held)
    for _ in range(3):
        let_run_out(take())  # Its worker was killed, which is no failure of its own,
        jobs.fail_attempt(take(), "ValueError: no")
    assert take() is None
    assert (find(job).state, find(job).error) == ("failed", "It failed 3 times at the same place; ValueError: no")
    assert find(job).shown_error == ("It failed 3 times at the same place.", "ValueError: no")
    job = enqueue()
    for _ in range(10):
        let_run_out(take())  # unless that happens again and again.
    assert take() is None
    assert find(job).state == "failed"
    assert find(job).error.startswith("It was begun 10 times at the same place, and its worker was lost each time")
    assert find(job).shown_error.sentence.startswith("It was begun 10 times at the same place")


def test_a_job_is_cancelled_at_once_where_it_waits_and_by_its_worker_where_it_runs():
    waiting, running = enqueue(), enqueue()
    assert jobs.cancel(waiting, by="grace")
    assert (find(waiting).state, find(waiting).cancelled_by) == ("cancelled", "grace")
    assert not jobs.cancel(waiting, by="grace")
    held = take()
    assert jobs.cancel(running, by="grace")
    assert jobs.renew(held) == "cancelled"
    with pytest.raises(jobs.LeaseLost):
        jobs.finish(held, {})
    assert jobs.settle_cancelled(held)
    # Its worker died before it could stop it.
    lost = enqueue()
    held = take()
    jobs.cancel(lost, by="grace")
    let_run_out(held)
    assert take() is None
    assert find(lost).state == "cancelled"


def test_an_error_on_purpose_stops_a_job_at_once_and_others_are_tried_again(monkeypatch):
    def refuse(held):
        raise RecipeError("model.toml: data: is missing.")

    def break_down(held):
        raise ZeroDivisionError("division by zero")

    for task, state, error in (
        (refuse, "failed", "model.toml: data: is missing."),
        (break_down, "waiting", "ZeroDivisionError: division by zero"),
    ):
        monkeypatch.setitem(tasks.TASKS, "rows", task)
        job = enqueue()
        held = take()
        tasks.carry_out(held.job.pk, held.lease)
        assert (find(job).state, find(job).error) == (state, error)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_retrain_that_is_repeated_registers_at_most_one_version(models_dir):
    job = enqueue(jobs.RETRAIN, with_outcomes=True)
    held = take()
    tasks.carry_out(held.job.pk, held.lease)
    assert find(job).result == {"version": 1, "promoted": True, "reason": find(job).result["reason"]}
    assert (find(job).state, find(job).made_by, Version.objects.count()) == ("done", "ada", 1)
    let_run_out(held)
    assert take() is None
    # One whose lease is lost while it trains stores nothing.
    enqueue(jobs.RETRAIN)
    held = take()

    def lose_the_lease(line, **counts):
        let_run_out(held)
        take("second")

    finish = partial(jobs.finish, held, {})
    request = RetrainRequest(slug="line", by="ada", force=True, on_registered=lambda registered: finish())
    with pytest.raises(jobs.LeaseLost):
        retrain_model(models_dir, request, lose_the_lease)
    assert Version.objects.count() == 1


def lose_connections():
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend(pid) {others}")


@pytest.fixture
def start_worker(database_url):
    started = []

    def start():
        program = [sys.executable, ROOT / "tests/worker.py", "worker"]
        environment = {**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
        environment |= {"DJANGO_SETTINGS_MODULE": "mlsite.settings"}
        started.append(subprocess.Popen(program, cwd=ROOT, env=environment))  # noqa: S603  # Our own worker.
        return started[-1]

    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(timeout=30)


def test_a_lease_runs_out_and_is_seen_within_30_seconds():
    assert jobs.SECONDS_OF_LEASE + SECONDS_BETWEEN_LOOKS + SECONDS_BETWEEN_CHECKS < 30


@pytest.mark.both_databases
def test_a_killed_worker_loses_and_doubles_nothing_and_another_one_goes_on(start_worker):
    workers = [start_worker(), start_worker()]
    wait_for(lambda: JobWorker.objects.count() == 2)
    job = enqueue(KIND)
    wait_for(lambda: find(job).cursor is not None)
    held_by = find(job).worker
    first, second = sorted(workers, key=lambda each: not held_by.endswith(f" {each.pid}"))
    first.kill()
    first.wait()
    done = find(job).done
    assert done < CHUNKS
    wait_for(lambda: find(job).worker != held_by)
    if connection.vendor == "postgresql":  # A lost connection is no failure, either.
        wait_for(lambda: find(job).done > done)
        lose_connections()
        done = find(job).done
    # SIGTERM hands the job back at once, and that counts as no failure.
    wait_for(lambda: find(job).done > done + 1)
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=10) == 0
    assert (find(job).state, find(job).attempts) == ("waiting", 0)
    start_worker()
    wait_for(lambda: find(job).is_finished)
    assert (find(job).state, find(job).result, find(job).done) == ("done", {"rows": CHUNKS}, CHUNKS)
    assert list(IdempotencyKey.objects.order_by("ends_at").values_list("ends_at", flat=True)) == list(range(CHUNKS))
    # Nor do its temporary files stay.
    assert not list(Path(tempfile.gettempdir()).glob(f"{PREFIX}{first.pid}-*"))


class Readers(Background):
    """Visitors who open the page about a model again and again."""

    def __init__(self, address, number):
        self.address, self.number = address, number

    def list_works(self):
        return [self._read] * self.number

    def _read(self):
        while not self.is_over.is_set():
            Visitor(self.address).get("/about/line/")


def count_connections(*, without):
    """All that the database has, but this one and the one that another process has."""
    others = "datname = current_database() AND pid <> pg_backend_pid() AND pid <> %s"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {others}", [without])  # noqa: S608  # Our own.
        return cursor.fetchone()[0]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connections to count")
def test_a_site_and_its_former_build_hold_at_most_18_connections_under_load(serve, line, start_worker):
    address = serve(WEB_CONCURRENCY="2").wait_until("/readyz").address
    with closing(psycopg2.connect(make_database_url())) as locking, locking.cursor() as cursor:
        cursor.execute("LOCK TABLE predictor_figure IN ACCESS EXCLUSIVE MODE")  # All pages about models wait.
        with Load(address=address), Readers(address, 24):
            held = []
            start_worker()
            while max(held, default=0) < 7:  # A busy machine may not use all that it may in its first job.
                assert Job.objects.count() < 10, held
                job = enqueue(KIND)
                while not find(job).is_finished:
                    held.append(count_connections(without=locking.info.backend_pid))
            locking.rollback()
    # Two processes have 2 for pages and 1 for batches each; a job's child has 1, and its worker another for a moment.
    assert max(held) <= 8
    # The former build has as many; a release has 1, and so has an export or a download.
    assert 2 * max(held) + 2 <= 18


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, how much memory a process has is unknown")
def test_a_job_that_takes_too_much_memory_is_stopped_and_says_so_and_its_worker_goes_on(start_worker, monkeypatch):
    monkeypatch.setenv("WORKER_MEMORY_MB", "400")
    hungry, other = enqueue(HUNGRY), enqueue(KIND)
    start_worker()
    wait_for(lambda: find(hungry).is_finished)
    problem = "It was stopped: its process and the worker have more than 400 MB of memory (WORKER_MEMORY_MB)."
    assert (find(hungry).state, find(hungry).attempts) == ("failed", 1)
    assert find(hungry).error.startswith(problem)
    assert find(hungry).shown_error.sentence.startswith("It was stopped: it needs more than 400 MB of memory")
    wait_for(lambda: find(other).cursor is not None)
