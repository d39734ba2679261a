import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import pytest
from django.db import DataError, connection

from predictor.exceptions import NoAnswer
from predictor.models import Prediction
from predictor.schema.schema import Row
from predictor.schema.warning import InputWarning
from predictor.scoring.rows import ROWS_AT_ONCE, score_rows
from predictor.serving.service import service
from tests.training import register_shipped

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def runtime(transactional_db):
    register_shipped("line")
    return service.get_runtime("line")


def parse(runtime, numbers):
    return (runtime.schema.parse({"x": str(number)}) for number in numbers)


def test_rows_of_several_chunks_are_answered_in_their_order_and_each_is_kept(runtime):
    numbers = range(2 * ROWS_AT_ONCE + 1)
    scored = [each for chunk in score_rows(runtime, parse(runtime, numbers), Prediction.Source.CSV) for each in chunk]
    assert [each.row.values["x"] for each in scored] == list(numbers)
    kept = Prediction.objects.in_bulk([each.id for each in scored])
    assert Prediction.objects.count() == len(kept) == len(numbers)
    for each in scored:
        row = kept[each.id]
        assert (row.inputs, row.output) == (each.row.values, each.answer.output)
        assert row.warnings == runtime.schema.write_warnings(each.row.warnings)
        assert tuple(row.interval) == each.answer.interval
        assert (row.source, row.version_id) == ("csv", runtime.version.id)


def test_a_chunk_is_given_only_once_it_is_committed(runtime):
    seen = 0
    for chunk in score_rows(runtime, parse(runtime, range(3 * ROWS_AT_ONCE)), Prediction.Source.CSV):
        seen += len(chunk)
        assert Prediction.objects.filter(id__in=[each.id for each in chunk[::100]]).count() == len(chunk[::100])
        assert Prediction.objects.count() >= seen
    assert seen == 3 * ROWS_AT_ONCE


def test_a_row_without_an_answer_ends_it_and_what_was_given_stays(runtime):
    numbers = [*range(2 * ROWS_AT_ONCE), "1.7e308"]
    given = []
    with pytest.raises(NoAnswer):
        given.extend(
            each for chunk in score_rows(runtime, parse(runtime, numbers), Prediction.Source.CSV) for each in chunk
        )
    assert len(given) == ROWS_AT_ONCE
    assert Prediction.objects.count() == 2 * ROWS_AT_ONCE


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps what PostgreSQL's JSON refuses")
def test_nothing_is_kept_behind_a_row_that_the_database_refuses(runtime):
    rows = list(parse(runtime, range(4 * ROWS_AT_ONCE)))
    rows[ROWS_AT_ONCE + 7] = Row(
        values={"x": 1.0}, warnings=[InputWarning(code="outside_seen", field="x", value="\x00", seen=(0, 9))]
    )
    given = []
    with pytest.raises(DataError):
        given.extend(each for chunk in score_rows(runtime, rows, Prediction.Source.CSV) for each in chunk)
    assert len(given) == Prediction.objects.count() == ROWS_AT_ONCE


def test_no_rows_are_no_chunks(runtime):
    assert list(score_rows(runtime, [], Prediction.Source.CSV)) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no list of its connections")
def test_the_connection_that_wrote_is_closed(runtime):
    def count_connections():
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return cursor.fetchone()[0]

    before = count_connections()
    scoring = score_rows(runtime, parse(runtime, range(3 * ROWS_AT_ONCE)), Prediction.Source.CSV)
    next(scoring)
    assert count_connections() == before + 1
    scoring.close()
    assert count_connections() == before


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL lets all write at once")
def test_others_write_between_the_rows_of_one_chunk(runtime):
    is_over = threading.Event()

    def write():
        row = runtime.schema.parse({"x": "1"})
        while not is_over.is_set():
            service.predict(runtime, [row], Prediction.Source.FORM)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        chunks = list(score_rows(runtime, parse(runtime, range(ROWS_AT_ONCE)), Prediction.Source.CSV))
        is_over.set()
        writing.result()
    assert [len(chunk) for chunk in chunks] == [ROWS_AT_ONCE]
    with connection.cursor() as cursor:
        cursor.execute("SELECT source FROM predictor_prediction ORDER BY rowid")
        written = [source for source, _ in groupby(source for [source] in cursor)]
    assert written.count("csv") > 1
