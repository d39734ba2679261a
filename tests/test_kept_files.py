"""Files in the database: in chunks, whole or not at all, for a while, and within FILES_MAX_MB."""

import hashlib
from contextlib import suppress
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from predictor import jobs
from predictor.exceptions import FileGone, NoSpace
from predictor.files.keeping import (
    BYTES_OF_A_CHUNK,
    FileWriter,
    find_expiry,
    find_kept,
    iterate,
    measure_space,
    open_kept,
    remove_expired,
)
from predictor.management.worker import Worker
from predictor.models import Job, KeptChunk, KeptFile

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 10_000
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite compresses nothing")


def keep(content=CONTENT, name="new.csv", expires=None):
    with FileWriter(name=name, made_by="ada", expires=expires) as writer:
        for start in range(0, len(content), 70_000):
            writer.write(content[start : start + 70_000])
        return writer.finish()


@pytest.mark.both_databases
def test_a_file_is_kept_in_chunks_and_read_from_any_place(django_assert_num_queries):
    file = find_kept(keep(name=r"C:\tables\new.csv").pk)
    assert (file.name, file.size, file.sha256) == ("new.csv", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert {len(chunk) for chunk in iterate(file)} == {BYTES_OF_A_CHUNK, len(CONTENT) % BYTES_OF_A_CHUNK}
    with django_assert_num_queries(2 + KeptChunk.objects.count()):
        assert open_kept(file).read() == CONTENT
    opened = open_kept(file)
    for place in (BYTES_OF_A_CHUNK - 1, 0, len(CONTENT) - 1, len(CONTENT) + 5):
        opened.seek(place)
        assert opened.read(3) == CONTENT[place : place + 3]
    assert opened.seek(-2, 2) == len(CONTENT) - 2
    empty = keep(b"")
    assert (list(iterate(empty)), open_kept(empty).read(), empty.is_whole) == ([], b"", True)


@pytest.mark.both_databases
def test_what_is_not_finished_is_removed():
    with suppress(ConnectionError), FileWriter(name="new.csv", made_by="ada", expires=None) as writer:
        writer.write(CONTENT)
        assert measure_space() == 2 * BYTES_OF_A_CHUNK
        with pytest.raises(FileGone, match=r"new\.csv is no longer kept"):
            open_kept(writer.file)
        raise ConnectionError
    assert not KeptFile.objects.exists()
    # Its process was killed.
    writer = FileWriter(name="new.csv", made_by="ada", expires=None).__enter__()
    writer.write(CONTENT)
    assert remove_expired() == 0
    KeptFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert remove_expired() == 1
    assert not KeptChunk.objects.exists()


def test_files_are_deleted_when_their_time_is_over_and_results_when_their_job_is_given_up(settings):
    settings.FILES_KEPT = "2"
    assert timedelta(days=2) - timedelta(minutes=1) < find_expiry() - timezone.now() < timedelta(days=2)
    data, upload = keep(), keep(expires=timezone.now() - timedelta(seconds=1))
    job = jobs.enqueue(jobs.SCORE, by="ada", model="line")
    part = KeptFile.objects.create(name="result", made_by="ada", job=job)
    opened = open_kept(upload)
    assert remove_expired() == 1
    with pytest.raises(FileGone):
        opened.read()
    assert set(KeptFile.objects.all()) == {data, part}
    Job.objects.update(state=Job.State.CANCELLED)
    assert remove_expired() == 1
    assert KeptFile.objects.get() == data


@pytest.mark.django_db(transaction=True)
def test_the_worker_and_prune_delete_files_whose_time_is_over():
    for delete in (lambda: Worker([]).work_off(), lambda: call_command("prune", older_than=timedelta(days=1))):
        keep(expires=timezone.now() - timedelta(seconds=1))
        delete()
        assert not KeptFile.objects.exists()


def test_files_that_would_be_too_large_together_are_refused_with_figures(settings):
    settings.FILES_MAX_MB = 4
    keep()
    with pytest.raises(NoSpace, match=r"no space for 1\.0 MB: of the 4 MB that all files may take .* 0\.4 MB are free"):
        keep()
    assert measure_space() == len(CONTENT)


@on_postgresql
def test_a_file_takes_the_space_that_it_has_and_no_time_to_be_compressed():
    keep(b"x,y\n" + b"1.5,2.5\n" * 131_071)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_column_size(content) FROM predictor_keptchunk")
        assert cursor.fetchall() == [(BYTES_OF_A_CHUNK - 4,)]
