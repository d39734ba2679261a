"""A kept file is scored as a job: complete, each row once and in order, whatever happens to its worker."""

import gzip
import hashlib
import io
import os
import random
import subprocess
import sys
import time
import zipfile

import polars as pl
import pytest
from django.core.management import call_command
from django.db import connection

from predictor import jobs, tasks
from predictor.exceptions import FileGone
from predictor.files.keeping import FileWriter, find_expiry, remove_expired
from predictor.files.results import read_result, write_result
from predictor.files.space import estimate_space
from predictor.languages import LANGUAGES, use_language
from predictor.models import Artifact, Job, KeptFile, Prediction
from predictor.models.job import from_now
from predictor.tables.table import read_table
from tests.conftest import ROOT
from tests.training import register_shipped

pytestmark = pytest.mark.django_db(transaction=True)


def keep(content, name="new.csv"):
    with FileWriter(name=name, made_by="ada", expires=find_expiry()) as writer:
        writer.write(content if isinstance(content, bytes) else content.encode())
        return writer.finish()


def enqueue(content, *, history=True, name="new.csv"):
    return jobs.enqueue_scoring(keep(content, name), model="line", history=history, by="ada")


def carry_out(job):
    held = jobs.take([jobs.SCORE], "worker")
    assert held is not None
    assert held.job.pk == job.pk
    tasks.carry_out(held.job.pk, held.lease)
    job.refresh_from_db()
    return job


def kill_in_the_middle(job, database_url):
    """Begin a job in a process as a worker does, kill that, and let its lease run out; how far it had come."""
    held, former = jobs.take([jobs.SCORE], "worker"), Job.objects.get(pk=job.pk).done
    program = [sys.executable, "manage.py", "worker", "--job", str(job.pk), "--lease", str(held.lease)]
    environment = {**os.environ, "DATABASE_URL": database_url}
    with subprocess.Popen(program, cwd=ROOT, env=environment, stdin=subprocess.PIPE) as process:  # noqa: S603  # Our own.
        while Job.objects.get(pk=job.pk).done == former and process.poll() is None:
            time.sleep(random.random() / 20)  # noqa: S311  # Its moment.
        process.kill()
    Job.objects.filter(pk=job.pk).update(lease_until=from_now(-1))
    return Job.objects.get(pk=job.pk).done


@pytest.mark.both_databases
def test_a_job_whose_worker_is_killed_goes_on_with_the_version_that_it_began_with(line, database_url):
    rows = 80_000 if connection.vendor == "postgresql" else 15_000
    text = "customer,x\n" + "".join(f"c{number},{number % 90 / 10}\n" for number in range(rows))
    job = enqueue(text)
    done = [kill_in_the_middle(job, database_url) for _ in range(2)]
    assert 0 < done[0] < done[1] < rows
    newer = register_shipped("line")
    carry_out(job)
    assert (job.state, job.done, job.result["rows"]) == ("done", rows, rows)
    assert (job.result["version"], job.result["newer"]) == (line.number, newer.number)
    table = pl.concat(read_result(job))
    assert table["customer"].to_list() == [f"c{number}" for number in range(rows)]
    stored = Prediction.objects.filter(version=line).values_list("id", flat=True)
    assert {*map(str, stored)} == {*table["id"]}
    assert Prediction.objects.count() == len(stored) == rows
    # Where its model is retired meanwhile, it stops.
    Job.objects.filter(pk=job.pk).update(state="waiting")
    call_command("retire", "line")
    assert (carry_out(job).state, job.error.partition(" on ")[0]) == ("failed", "line was retired")
    assert job.shown_error.sentence == "The model was retired: it makes no new predictions."


def test_visitors_read_that_a_model_cannot_be_used_and_the_admin_why(line):
    Artifact.objects.update(manifest=b"{}")
    job = carry_out(enqueue("x\n1\n"))
    assert job.shown_error.sentence.startswith("The model cannot be used at the moment.")
    assert job.shown_error.detail == ""
    assert job.error.startswith("line 1")


def test_what_cannot_be_scored_stops_the_job_before_anything_is_stored(line, settings):
    packed = gzip.compress(b"x\n" + b"1\n" * 2_000_000)
    settings.FILES_MAX_MB = 20
    for content, error, sentence in (
        ("y\n1\n", "Columns that the model needs are missing: 'x'. The file has 'y'.", "Spalten, die das Modell"),
        ("x\n", "new.csv has a header but no rows.", "Die Datei hat eine erste Zeile"),
        ("x,x\n1,2\n", "new.csv, line 1: two columns are named 'x': rename one of them.", "Die Datei kann nicht"),
        (b"%PDF-1.4\n\0", "new.csv, line 2: a NUL byte", "Die Datei kann nicht"),
        (
            packed,
            "There is no space for 76.0 MB: of the 20 MB that all files may take (FILES_MAX_MB)",
            "Dafür ist gerade kein Platz: Es braucht 76",
        ),
    ):
        job = carry_out(enqueue(content))
        assert (job.state, job.error[: len(error)]) == ("failed", error)
        with use_language(LANGUAGES["de"]):
            assert job.shown_error.sentence.startswith(sentence)
    job = enqueue("x\n1\n")
    KeptFile.objects.all().delete()
    assert carry_out(job).error == "the file is no longer kept: upload it again"
    assert job.shown_error == ("The file is no longer kept: upload it again.", "")
    assert not KeptFile.objects.exists()
    assert not Prediction.objects.exists()


@pytest.mark.both_databases
@pytest.mark.parametrize("history", [True, False])
def test_a_file_comes_back_row_by_row_with_its_answers_or_errors(models_dir, history):
    register_shipped("line")
    text = "customer,x\n" + "".join(f"c{n},{'x' if n == 1500 else n % 9}\n" for n in range(2_500)) + "c2500\n"
    job = carry_out(enqueue(text, history=history))
    assert (job.state, job.done, job.total, job.error) == ("done", 2_501, 2_501, "")
    assert job.result | {"file": ""} == {
        "file": "",
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "rows": 2_501,
        "refused": 2,
        "errors": {"not_a_number/x": 1, "wrong_length": 1},
        "version": 1,
        "newer": None,
        "columns": ["unknown to the model, and only copied: 'customer'"],
    }
    file, result = KeptFile.objects.get(job=None), KeptFile.objects.get(job=job)
    space = estimate_space(file.size, 2_501, inputs=1, classes=0, history=history)
    assert result.size <= space.result
    table = pl.concat(read_result(job))
    assert table["customer"].to_list() == [f"c{n}" for n in range(2_501)]
    assert table.filter(pl.col("error").is_not_null())["customer"].to_list() == ["c1500", "c2500"]
    assert table["prediction"].null_count() == 2
    stored = dict(Prediction.objects.values_list("id", "output"))
    assert len(stored) == (2_499 if history else 0)
    if history:
        assert {str(id): output for id, output in stored.items()} == dict(
            table.drop_nulls("id").select("id", "prediction").iter_rows()
        )


def test_a_result_is_written_in_each_format_with_its_formulas_defused(models_dir, tmp_path):
    register_shipped("line")
    job = carry_out(enqueue('=note,x\n=1+1,1\n"@a, b",2.5\n-7,inf\n', history=False))
    written = {}
    for format in ("csv", "parquet", "xlsx"):
        sink = io.BytesIO()
        write_result(job, format, sink)
        written[format] = sink.getvalue()
    assert written["csv"].decode().splitlines()[0] == "'=note,x,prediction,lower,upper,warnings,error"
    csv = pl.read_csv(written["csv"], infer_schema=False)
    assert csv["'=note"].to_list() == ["'=1+1", "'@a, b", "-7"]
    parquet = pl.read_parquet(written["parquet"])
    assert parquet["=note"].to_list() == ["=1+1", "@a, b", "-7"]
    assert [*map(float, csv["prediction"].drop_nulls())] == parquet["prediction"].drop_nulls().to_list()
    made = tmp_path / "made.xlsx"
    made.write_bytes(written["xlsx"])
    book, _ = read_table(made)
    assert book["=note"].to_list() == ["=1+1", "@a, b", "-7"]
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(written["xlsx"])).read("xl/worksheets/sheet1.xml")
    assert book["prediction"].to_list() == parquet["prediction"].to_list()
    assert "inf" in book["error"][2]
    KeptFile.objects.filter(job=job).update(expires_at=from_now(-1))
    remove_expired()
    with pytest.raises(FileGone):
        list(read_result(job))
