import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from django.db import IntegrityError, OperationalError

from predictor.exceptions import KeyReused, NoAnswer, Overloaded, TooLate
from predictor.models import Prediction, Version
from predictor.schema.kinds import make_feature
from predictor.schema.schema import Row, Schema
from predictor.schema.target import Target
from predictor.serving.batch import answer_batch
from predictor.serving.batcher import (
    MOST_ROWS_OF_LARGE_WAITING,
    MOST_ROWS_OF_SMALL,
    MOST_ROWS_WAITING,
    MOST_THREADS_OF_LARGE,
    ROWS_IN_A_PIECE,
    Batcher,
)
from predictor.serving.claims import Attempt, Claims, Found
from predictor.serving.history import DatabaseStore
from predictor.serving.job import Job
from predictor.serving.runtime import Runtime
from predictor.serving.service import service
from tests.together import wait_until

SCHEMA = Schema(
    features=(make_feature(name="x", kind="number", label="x"),),
    target=Target(name="y", label="y", task="regression"),
)


class Doubling:
    """Doubles, refuses what is negative, and notes how many rows it was given each time."""

    def __init__(self):
        self.sizes = []

    def predict(self, matrix):
        self.sizes.append(len(matrix))
        if (matrix < 0).any():
            raise ValueError("negative")
        return 2 * matrix[:, 0]


class MemoryStore:
    """Keeps rows by id; refuses the test's poison, and raises the test's failures."""

    def __init__(self, poison=None, failures=()):
        self.rows, self.commits, self.attempts = {}, 0, []
        self.references, self.answers, self.rivals = {}, {}, []
        self.poison, self.failures, self.connected = poison, list(failures), True
        self.gate = threading.Event()
        self.gate.set()
        self.is_entered = threading.Event()
        self.waiting = 0

    def insert(self, predictions, claims, *, again):
        self.is_entered.set()
        self.waiting += 1
        self.gate.wait()
        self.waiting -= 1
        self.attempts.append(([prediction.id for prediction in predictions], again))
        failure = self.failures.pop(0) if self.failures else None
        self.connected = failure is None
        if failure == "before the commit":
            raise OperationalError("gone")
        if self.poison is not None and any(prediction.inputs["x"] == self.poison for prediction in predictions):
            raise IntegrityError("poison")
        if self.rivals:  # Another process commits at this moment.
            self._write(*self.rivals.pop(0))
        if any(name in self.references for name, _ in claims.references) or any(
            each.id in self.answers for each in claims.attempts
        ):
            raise IntegrityError("claimed")
        if not again and any(prediction.id in self.rows for prediction in predictions):
            raise IntegrityError("there already")
        self._write(predictions, claims)
        self.commits += 1
        if failure == "after the commit":
            raise OperationalError("gone")

    def _write(self, predictions, claims):
        self.rows |= {prediction.id: prediction for prediction in predictions}
        self.references |= dict(claims.references)
        self.answers |= {each.id: each for each in claims.attempts}

    def find(self, names, attempts):
        return Found(
            predictions={name: self.rows[self.references[name]] for name in names if name in self.references},
            answers={id: self.answers[id] for id in attempts if id in self.answers},
        )

    def is_connected(self):
        return self.connected


def make_runtime():
    return Runtime(version=Version(id=1, model="line", number=1), schema=SCHEMA, estimator=Doubling())


def make_job(runtime, *values):
    return Job(runtime=runtime, rows=[Row(values={"x": float(x)}) for x in values], source=Prediction.Source.FORM)


def make_named_job(runtime, **values):
    """A job whose rows have references; those that begin with `_` have none."""
    job = make_job(runtime, *values.values())
    return replace(job, references=[None if name.startswith("_") else name for name in values])


def read_ids(job):
    return [prediction.id for prediction in job.get_predictions()]


def make_attempt_job(runtime, x, *, id=1, body=1):
    """A job with an idempotency key, whose answer is the ids of its predictions."""
    write = lambda version, predictions: " ".join(str(each.id) for each in predictions)  # noqa: E731
    attempt = Attempt(id=UUID(int=id), body=UUID(int=body), ends_at=0, write=write)
    return replace(make_job(runtime, x), attempt=attempt)


def make_rival(name, x):
    """What another process stores under a reference: its predictions and its claims."""
    prediction = Prediction(version=Version(id=1, model="line", number=1), inputs={"x": x}, output=2.0 * x)
    return [prediction], Claims(references=[(("line", name), prediction.id)])


def read_outputs(job):
    return [prediction.output for prediction in job.get_predictions()]


def read_error(job):
    with pytest.raises(Exception) as found:  # noqa: PT011  # Whichever it is.
        job.get_predictions()
    return found.value


@pytest.fixture
def start():
    """Start a batcher on a store; each one is stopped at the end."""
    batchers = []

    def start_batcher(store, **limits):
        batchers.append(Batcher(store, **limits))
        batchers[-1].start()
        return batchers[-1]

    yield start_batcher
    for batcher in batchers:
        batcher.stop()


def ask_while_busy(batcher, store, jobs):
    """Let jobs queue up behind one that is just being written; give each one's predictions, or its error."""
    store.gate.clear()
    with ThreadPoolExecutor(len(jobs) + 1) as pool:
        first = pool.submit(batcher.answer, make_job(make_runtime(), 0))
        store.is_entered.wait()
        asked = []
        for job in jobs:
            asked.append(pool.submit(batcher.answer, job))
            wait_until(lambda: batcher.rows_waiting == sum(len(job.rows) for job in jobs[: len(asked)]))
        store.gate.set()
        first.result()
        return [each.exception() or each.result() for each in asked]


def test_long_texts_count_as_several_rows_so_that_others_have_their_turn_in_between():
    text = make_feature(name="x", kind="text", label="x", maximum_length=40_000)
    runtime = replace(make_runtime(), schema=replace(SCHEMA, features=(text,)))
    rows = [Row(values={"x": each}) for each in ("a" * 1_999, "a" * 4_000, None, *["a" * 38_000] * 9)]
    job = Job(runtime=runtime, rows=rows, source=Prediction.Source.API)
    assert job.size == 1 + 3 + 1 + 9 * 20
    assert job.take_rows(100) == rows[:7]
    job.predicted += [Prediction()] * 7
    assert job.take_rows(100) == rows[7:12]
    assert job.take_rows(5) == rows[7:8]
    assert make_job(make_runtime(), *range(30)).size == 30


def test_what_came_in_meanwhile_is_one_batch_with_one_predict_a_version_and_one_commit(start):
    store = MemoryStore()
    batcher = start(store)
    one, other = make_runtime(), make_runtime()
    jobs = [make_job((one, other)[x % 2], x) for x in range(20)]
    answers = ask_while_busy(batcher, store, jobs)

    assert [prediction.output for [prediction] in answers] == [2 * x for x in range(20)]
    assert one.estimator.sizes == other.estimator.sizes == [10]
    assert store.commits == 2  # The one that they waited for, and theirs.


def test_nobody_waits_for_more_to_come(start):
    store = MemoryStore()
    batcher = start(store)
    runtime = make_runtime()
    for x in range(5):
        [prediction] = batcher.answer(make_job(runtime, x))
        assert prediction.output == 2 * x
    assert store.commits == 5


def test_a_request_gets_its_own_rows_in_its_own_order():
    runtime, store = make_runtime(), MemoryStore()
    jobs = [make_job(runtime, 1, 2, 3), make_job(runtime, 4), make_job(runtime, 6, 5)]
    answer_batch(jobs, store, patience=0)

    assert [read_outputs(job) for job in jobs] == [[2, 4, 6], [8], [12, 10]]
    assert [prediction.inputs["x"] for prediction in store.rows.values()] == [1, 2, 3, 4, 6, 5]


@pytest.mark.parametrize("at_fault", range(8))
def test_a_row_that_the_model_refuses_never_fails_its_neighbours(at_fault):
    runtime, store = make_runtime(), MemoryStore()
    jobs = [make_job(runtime, -1 if x == at_fault else x) for x in range(8)]
    answer_batch(jobs, store, patience=0)

    assert isinstance(read_error(jobs[at_fault]), NoAnswer)
    neighbours = [x for x in range(8) if x != at_fault]
    assert [read_outputs(jobs[x]) for x in neighbours] == [[2 * x] for x in neighbours]
    assert store.commits == 1
    assert len(store.rows) == 7


def test_whatever_a_model_raises_reaches_whoever_asked_and_nobody_else():
    runtime, store = make_runtime(), MemoryStore()
    broken = Runtime(version=runtime.version, schema=SCHEMA, estimator=None)
    jobs = [make_job(broken, 1), make_job(runtime, 2)]
    answer_batch(jobs, store, patience=0)

    assert isinstance(read_error(jobs[0]), AttributeError)
    assert read_outputs(jobs[1]) == [4]


class Exiting:
    """An estimator that ends the program, as a script may."""

    def predict(self, matrix):
        raise SystemExit("enough")


def test_a_model_that_wants_to_end_the_program_ends_the_request_alone(start):
    runtime = make_runtime()
    exiting = Runtime(version=runtime.version, schema=SCHEMA, estimator=Exiting())
    batcher = start(MemoryStore())
    for values in ((1,), range(500)):
        with pytest.raises(RuntimeError, match="enough"):
            batcher.answer(make_job(exiting, *values))
    assert [prediction.output for prediction in batcher.answer(make_job(runtime, 2))] == [4]


class Cancelled(Exception):
    """What psycopg2 raises where PostgreSQL gives up a statement that took too long."""

    pgcode = "57014"


class SlowStore(MemoryStore):
    """Takes too long for each statement, over a connection that lives on."""

    def insert(self, predictions, claims, *, again):
        self.attempts.append(len(predictions))
        raise OperationalError("canceling statement due to statement timeout") from Cancelled()


def test_what_took_the_database_too_long_is_not_tried_by_halves():
    runtime, store = make_runtime(), SlowStore()
    jobs = [make_job(runtime, x) for x in range(8)]
    answer_batch(jobs, store, patience=0)
    assert store.attempts == [8]
    assert all(isinstance(read_error(job), OperationalError) for job in jobs)


@pytest.mark.parametrize("at_fault", range(5))
def test_a_row_that_the_database_refuses_never_fails_its_neighbours(at_fault):
    runtime, store = make_runtime(), MemoryStore(poison=at_fault)
    jobs = [make_job(runtime, x) for x in range(5)]
    answer_batch(jobs, store, patience=0)

    assert isinstance(read_error(jobs[at_fault]), IntegrityError)
    assert sorted(prediction.inputs["x"] for prediction in store.rows.values()) == [
        x for x in range(5) if x != at_fault
    ]
    for job in jobs[:at_fault] + jobs[at_fault + 1 :]:
        [prediction] = job.get_predictions()
        assert store.rows[prediction.id] is prediction


def test_all_rows_of_one_request_are_stored_or_none():
    runtime, store = make_runtime(), MemoryStore(poison=2)
    jobs = [make_job(runtime, 1, 2, 3), make_job(runtime, 4, 5)]
    answer_batch(jobs, store, patience=0)

    assert isinstance(read_error(jobs[0]), IntegrityError)
    assert [prediction.inputs["x"] for prediction in store.rows.values()] == [4, 5]


@pytest.mark.parametrize("failure", ["before the commit", "after the commit"])
def test_a_commit_whose_fate_is_unknown_is_written_again_under_the_same_ids(failure):
    runtime, store = make_runtime(), MemoryStore(failures=[failure, failure])
    jobs = [make_job(runtime, 1), make_job(runtime, 2)]
    answer_batch(jobs, store, patience=5)

    [(ids, first), (second_ids, second), (third_ids, third)] = store.attempts
    assert ids == second_ids == third_ids
    assert (first, second, third) == (False, True, True)
    assert [prediction.id for job in jobs for prediction in job.get_predictions()] == list(store.rows) == ids


def test_a_database_that_stays_away_is_told_to_everybody_and_given_up():
    runtime, store = make_runtime(), MemoryStore(failures=["before the commit"] * 100)
    jobs = [make_job(runtime, 1), make_job(runtime, 2)]
    started = time.monotonic()
    answer_batch(jobs, store, patience=0.3)

    assert 0.3 <= time.monotonic() - started < 2
    errors = [read_error(job) for job in jobs]
    assert all(isinstance(error, OperationalError) for error in errors)
    assert errors[0] is not errors[1]
    assert not store.rows


@pytest.mark.parametrize(
    ("size", "most"), [(MOST_ROWS_OF_SMALL, MOST_ROWS_WAITING), (1000, MOST_ROWS_OF_LARGE_WAITING)]
)
def test_more_than_may_wait_is_refused_at_once(start, size, most):
    store = MemoryStore()
    batcher = start(store, seconds_to_be_taken=30)
    runtime = make_runtime()
    store.gate.clear()
    with ThreadPoolExecutor(most // size + 1) as pool:
        asked = [pool.submit(batcher.answer, make_job(runtime, 0))]
        store.is_entered.wait()
        asked += [pool.submit(batcher.answer, make_job(runtime, *range(size))) for _ in range(most // size)]
        wait_until(lambda: batcher.rows_waiting == most)
        with pytest.raises(Overloaded):
            batcher.answer(make_job(runtime, *range(size)))
        store.gate.set()
        assert [len(each.result()) for each in asked] == [1] + [size] * (most // size)


def test_single_rows_are_neither_refused_nor_kept_waiting_by_those_who_ask_for_many(start):
    store, runtime = MemoryStore(), make_runtime()
    batcher = start(store, seconds_to_be_taken=30)
    large = [make_job(runtime, *range(1000)) for _ in range(MOST_ROWS_OF_LARGE_WAITING // 1000)]
    single = [make_job(runtime, x) for x in range(50)]
    answers = ask_while_busy(batcher, store, [*large, *single])

    assert [len(each) for each in answers] == [1000] * len(large) + [1] * len(single)
    # The first commit is of the one that all waited for; the next has all single rows, and each large job has its own.
    assert [len(ids) for ids, _ in store.attempts] == [1, 50] + [1000] * len(large)
    assert max(runtime.estimator.sizes) == ROWS_IN_A_PIECE


def test_many_rows_get_on_while_single_rows_keep_coming(start):
    """Each time that a batch is written, one more single row comes in: a large job is stored with the tenth."""
    runtime, singles = make_runtime(), []

    class BusyStore(MemoryStore):
        def insert(self, predictions, claims, *, again):
            super().insert(predictions, claims, again=again)
            if len(singles) < 30:
                singles.append(pool.submit(batcher.answer, make_job(runtime, 0)))
                wait_until(lambda: batcher.rows_waiting % 1000 == 1)

    store = BusyStore()
    batcher = start(store)
    with ThreadPoolExecutor(40) as pool:
        [answers] = ask_while_busy(batcher, store, [make_job(runtime, *range(1000))])
        wait_until(lambda: len(singles) == 30)
        assert [len(each.result()) for each in singles] == [1] * 30
    assert len(answers) == 1000
    assert [len(ids) for ids, _ in store.attempts].index(1001) == 1000 // ROWS_IN_A_PIECE


def test_jobs_that_fit_together_in_a_piece_are_one_batch(start):
    store, runtime = MemoryStore(), make_runtime()
    batcher = start(store)
    ask_while_busy(batcher, store, [make_job(runtime, *range(20)) for _ in range(12)])
    assert [len(ids) for ids, _ in store.attempts] == [1, 100, 100, 40]


@pytest.mark.parametrize("at_fault", [0, 150, 249])
def test_a_row_that_the_model_refuses_in_any_piece_stores_nothing_of_its_request(start, at_fault):
    store, runtime = MemoryStore(), make_runtime()
    batcher = start(store)
    rows = [-1 if x == at_fault else x for x in range(250)]
    refused, kept = ask_while_busy(batcher, store, [make_job(runtime, *rows), make_job(runtime, *range(250))])
    assert isinstance(refused, NoAnswer)
    assert [prediction.output for prediction in kept] == [2 * x for x in range(250)]
    assert len(store.rows) == 251


def test_who_was_not_taken_in_time_is_told_so_and_never_stored(start):
    store = MemoryStore()
    batcher = start(store, seconds_to_be_taken=0.5, seconds_to_be_done=30)
    runtime = make_runtime()
    store.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(batcher.answer, make_job(runtime, 1))
        store.is_entered.wait()
        with pytest.raises(TooLate, match="nothing of it was stored"):
            batcher.answer(make_job(runtime, 2))
        assert batcher.rows_waiting == 0
        store.gate.set()
        assert len(taken.result()) == 1  # It waited longer than that, but was taken.
    assert [prediction.inputs["x"] for prediction in store.rows.values()] == [1]


def test_who_was_taken_and_not_answered_is_told_that_the_fate_is_unknown(start):
    store = MemoryStore()
    batcher = start(store, seconds_to_be_taken=1.0, seconds_to_be_done=0.05)
    store.gate.clear()
    with pytest.raises(TooLate, match="has not confirmed yet whether"):
        batcher.answer(make_job(make_runtime(), 1))
    store.gate.set()


def test_a_batcher_that_stops_answers_what_is_queued_and_takes_no_more(start):
    store = MemoryStore()
    batcher = start(store)
    runtime = make_runtime()
    store.gate.clear()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(batcher.answer, make_job(runtime, 0))]
        store.is_entered.wait()
        asked.append(pool.submit(batcher.answer, make_job(runtime, 1)))
        wait_until(lambda: batcher.rows_waiting == 1)
        stopped = pool.submit(batcher.stop)
        wait_until(lambda: batcher.is_stopping)
        with pytest.raises(Overloaded):
            batcher.answer(make_job(runtime, 2))
        store.gate.set()
        stopped.result()
        assert [each.result()[0].output for each in asked] == [0, 2]


def test_a_batcher_that_was_not_started_answers_in_the_callers_thread():
    store, runtime = MemoryStore(), make_runtime()
    [prediction] = Batcher(store).answer(make_job(runtime, 4))
    assert prediction.output == 8
    assert store.rows == {prediction.id: prediction}


def test_where_threads_serve_large_jobs_leave_some_of_them_to_small_ones():
    store, runtime, many = MemoryStore(), make_runtime(), range(MOST_ROWS_OF_SMALL + 1)
    batcher = Batcher(store)
    store.gate.clear()
    with ThreadPoolExecutor() as pool:
        large = [pool.submit(batcher.answer, make_job(runtime, *many)) for _ in range(MOST_THREADS_OF_LARGE)]
        try:
            wait_until(lambda: store.waiting == MOST_THREADS_OF_LARGE)
            with pytest.raises(Overloaded):
                batcher.answer(make_job(runtime, *many))
            small = pool.submit(batcher.answer, make_job(runtime, *many[:-1]))
            wait_until(lambda: store.waiting == MOST_THREADS_OF_LARGE + 1)
        finally:
            store.gate.set()
    assert [len(each.result()) for each in [*large, small]] == [len(many)] * MOST_THREADS_OF_LARGE + [len(many) - 1]
    assert len(batcher.answer(make_job(runtime, *many))) == len(many)


def test_of_requests_in_one_batch_with_the_same_reference_the_first_is_stored_and_the_others_get_its_answer():
    runtime, store = make_runtime(), MemoryStore()
    same = [make_named_job(runtime, a=1) for _ in range(5)]
    other, neighbour = make_named_job(runtime, a=2, b=3), make_named_job(runtime, b=3, _none=4)
    answer_batch([*same, other, neighbour, make_job(runtime, 5)], store, patience=0)

    assert {tuple(read_ids(job)) for job in same} == {(store.references["line", "a"],)}
    assert read_error(other).taken == {0: "a"}
    assert read_outputs(neighbour) == [6, 8]
    assert sorted(prediction.inputs["x"] for prediction in store.rows.values()) == [1, 3, 4, 5]
    assert store.commits == 2  # The other claimed what its neighbour did, until it was refused.


def test_where_the_first_with_a_reference_fails_the_next_one_is_stored():
    runtime, store = make_runtime(), MemoryStore(poison=1)
    jobs = [make_named_job(runtime, a=x) for x in (-1, 1, 2, 2)]
    answer_batch(jobs, store, patience=0)

    assert isinstance(read_error(jobs[0]), NoAnswer)
    assert isinstance(read_error(jobs[1]), IntegrityError)
    assert read_ids(jobs[2]) == read_ids(jobs[3]) == list(store.rows)


@pytest.mark.parametrize("large", [1, 300])
def test_what_another_process_has_stored_meanwhile_under_a_reference_wins(start, large):
    runtime, store = make_runtime(), MemoryStore()
    store.rivals = [make_rival("a", 1.0), make_rival("b", 1.0)]
    same = make_named_job(runtime, a=1, b=1, **{f"_{x}": x for x in range(large)})
    other, neighbour = make_named_job(runtime, _=7, a=2), make_job(runtime, 8)
    batcher = start(store)
    with ThreadPoolExecutor() as pool:
        store.gate.clear()
        asked = [pool.submit(batcher.answer, make_job(make_runtime(), 0))]
        store.is_entered.wait()
        for job in (same, other, neighbour):
            asked.append(pool.submit(batcher.answer, job))
            wait_until(
                lambda: batcher.rows_waiting == sum(len(job.rows) for job in (same, other, neighbour)[: len(asked) - 1])
            )
        store.gate.set()
        for each in asked:
            each.exception()

    won = [store.references["line", name] for name in "ab"]
    assert read_ids(same)[:2] == won
    assert read_error(other).taken == {1: "a"}
    assert read_outputs(neighbour) == [16]
    assert len(store.rows) == 1 + 2 + large + 1


def test_a_reference_that_is_free_again_when_its_rival_is_looked_up_is_stored():
    class ForgettingStore(MemoryStore):
        def find(self, names, attempts):
            self.references.clear()  # Its prediction was forgotten at this moment.
            return super().find(names, attempts)

    runtime, store = make_runtime(), ForgettingStore()
    store.rivals = [make_rival("a", 1.0)]
    job = make_named_job(runtime, a=2)
    answer_batch([job], store, patience=0)
    assert read_ids(job) == [store.references["line", "a"]]


@pytest.mark.parametrize("failure", ["before the commit", "after the commit"])
def test_a_commit_with_references_whose_fate_is_unknown_is_done_once(failure):
    runtime, store = make_runtime(), MemoryStore(failures=[failure])
    jobs = [make_named_job(runtime, a=1, _=2), make_job(runtime, 3), make_named_job(runtime, a=1, b=4)]
    answer_batch(jobs, store, patience=5)

    assert [read_outputs(job) for job in jobs] == [[2, 4], [6], [2, 8]]
    assert read_ids(jobs[0])[0] == read_ids(jobs[2])[0]
    assert {id for job in jobs for id in read_ids(job)} == store.rows.keys()
    assert len(store.rows) == 4


@pytest.mark.parametrize("at_fault", ["the row", "the query"])
def test_a_stored_row_that_cannot_be_read_never_fails_requests_that_did_not_ask_for_it(at_fault):
    class FaultyStore(MemoryStore):
        def find(self, names, attempts):
            if at_fault == "the query":
                raise KeyError("features")
            return super().find(names, attempts)

    runtime, store = make_runtime(), FaultyStore()
    [broken], claims = make_rival("a", 1.0)
    broken.inputs = None
    store._write([broken], claims)
    jobs = [make_named_job(runtime, a=1), make_job(runtime, 2)]
    answer_batch(jobs, store, patience=0)
    assert isinstance(read_error(jobs[0]), (KeyError, TypeError))
    assert read_outputs(jobs[1]) == [4]


def test_a_kept_prediction_is_answered_also_where_the_model_would_refuse_its_inputs_now():
    runtime, store = make_runtime(), MemoryStore()
    store._write(*make_rival("a", -1.0))
    kept = make_named_job(runtime, a=-1)
    answer_batch([kept, make_job(runtime, 2)], store, patience=0)
    assert read_outputs(kept) == [-2]


@pytest.mark.parametrize("failures", [(), ("before the commit",), ("after the commit",)])
def test_of_requests_in_one_batch_with_the_same_idempotency_key_one_is_stored_and_answers_the_others(failures):
    runtime, store = make_runtime(), MemoryStore(failures=failures)
    same = [make_attempt_job(runtime, 1) for _ in range(4)]
    other, neighbour = make_attempt_job(runtime, 2, body=2), make_attempt_job(runtime, 3, id=2)
    answer_batch([*same, other, neighbour, make_job(runtime, 5)], store, patience=5)

    [answer] = {job.attempt.answer for job in same}
    assert isinstance(read_error(other), KeyReused)
    assert {answer, neighbour.attempt.answer} < {str(id) for id in store.rows}
    assert sorted(prediction.inputs["x"] for prediction in store.rows.values()) == [1, 3, 5]


def test_an_answer_that_cannot_be_written_fails_its_own_request_alone():
    runtime, store = make_runtime(), MemoryStore()
    jobs = [make_attempt_job(runtime, x, id=x) for x in (1, 2)]
    jobs[0].attempt.write = lambda version, predictions: 1 / 0
    answer_batch(jobs, store, patience=0)
    assert isinstance(read_error(jobs[0]), ZeroDivisionError)
    assert [prediction.inputs["x"] for prediction in store.rows.values()] == [2]


@pytest.mark.django_db(transaction=True)
def test_what_a_started_batcher_gives_back_is_in_the_database(line, start):
    runtime = service.get_runtime("line")
    batcher = start(DatabaseStore())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda x: batcher.answer(make_job(runtime, x)), np.linspace(0, 9, 40)))
    given = {(prediction.id, prediction.output) for [prediction] in answers}
    assert set(Prediction.objects.values_list("id", "output")) == given
    assert len(given) == 40
