"""What a command has stored is stored, whoever reads its output: tried with a shell, as people do."""

import io
import os
import sqlite3
import subprocess
from contextlib import closing

import pytest

from predictor.management.output import Output
from tests.conftest import ROOT, run_manage

SET_UP = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
for _ in range(2):
    call_command("retrain", "line", force=True)
"""
RETRAIN = "./manage.py retrain line --force --promote always"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A database of its own, with two versions, whose promotions count up from test to test."""
    found = f"sqlite:///{tmp_path_factory.mktemp('output')}/db.sqlite3"
    # In one process: each imports scikit-learn.
    run_manage("shell", "--no-imports", "-c", SET_UP, DATABASE_URL=found).check_returncode()
    return found


@pytest.fixture
def run(url):
    def call(command, **environment):
        return subprocess.run(  # noqa: S603  # Our own command.
            ["/bin/bash", "-o", "pipefail", "-c", command],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url, **environment},
            capture_output=True,
            check=False,
        )

    return call


@pytest.fixture
def count_promotions(url):
    def count():
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            return database.execute("SELECT count(*) FROM predictor_promotion").fetchone()[0]

    return count


@pytest.mark.parametrize(
    ("end", "written"),
    [
        (">/dev/full", b"The output could not be written: No space left on device.\n"),
        (">&-", b"The output could not be written: Bad file descriptor.\n"),
        ("| true", b""),
        ("2>/dev/full", b""),
        (">&- 2>&-", b""),
    ],
)
def test_a_promotion_has_not_failed_where_nobody_reads_of_it(run, count_promotions, end, written):
    before = count_promotions()
    done = run(f"./manage.py promote line {1 + before % 2} --reason test {end}")
    assert (done.returncode, done.stderr) == (0, written)
    assert count_promotions() == before + 1


@pytest.mark.parametrize("end", [">/dev/full 2>&1", "2>&1 | true"])
def test_a_retrain_that_is_stored_and_live_has_not_failed_where_nobody_reads_of_it(run, count_promotions, end):
    before = count_promotions()
    done = run(f"{RETRAIN} {end}")
    assert (done.returncode, done.stderr) == (0, b"")
    assert count_promotions() == before + 1


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", rb"R\xb2"), ("latin-1", b"R\xb2"), ("utf-8", "R²".encode())])
def test_what_a_terminal_cannot_show_is_escaped(run, encoding, shown):
    done = run("./manage.py versions", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


@pytest.mark.parametrize("command", ["versions", "retrain line --dry-run", "help"])
def test_a_command_fails_where_the_output_is_its_result_and_is_lost(run, command):
    done = run(f"./manage.py {command} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.endswith(b"The output could not be written: No space left on device.\n")


def test_a_reader_that_has_seen_enough_fails_no_command(run):
    done = run("./manage.py versions | true")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_migration_has_not_failed_either(run):
    assert run("./manage.py migrate >/dev/full").returncode == 0


def test_a_failure_stays_one_where_its_message_is_lost(run):
    assert run("./manage.py retrain nothing >/dev/full 2>&1").returncode == 1


def test_output_goes_on_after_the_first_error():
    with open("/dev/full", "wb") as full:  # noqa: PTH123  # A device.
        output = Output(io.BufferedWriter(io.FileIO(os.dup(full.fileno()), "wb")), encoding="utf-8")
        output.write("x" * 100_000)
        output.flush()
        assert output.failure.strerror == "No space left on device"
        output.write("more")
        output.close()
