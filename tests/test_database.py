"""Where the database is, by DATABASE_URL or by default, and who may read its file."""

import os
import shutil
import stat
import subprocess
import sys

import pytest

from mlsite.database import find_url_problem, read_database
from tests.conftest import ROOT, run_manage

KEYS = {name: os.urandom(32).hex() for name in ("SECRET_KEY", "MODEL_SIGNING_KEY")}


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgres://u:p@h/d", ""),
        ("postgresql:///d?host=/tmp", ""),
        ("pgsql://h/d", ""),
        ("postgres:///?service=site", ""),
        ("sqlite:////tmp/c%231/100%2525/x%3Fy.sqlite3", ""),
        ("sqlite:///db.sqlite3", ""),
        ("postgres://u:secret@h/", "does not name a database"),
        ("postgres://u:secret@h:5432", "does not name a database"),
        ("sqlite://", "does not name a file"),
        ("sqlite://:memory:", "does not name a file"),
        ("mysql://u:secret@h/d", "begins with mysql://, but the database must be PostgreSQL or SQLite"),
        ("redis://u:secret@h/d", "begins with redis://"),
        ("nonsense", "is not the URL of"),
        ("postgres://u:secret@h:port/d", "is not the URL of"),
        ("postgres://u:sec#ret@h/d", "write it as %23"),
        ("sqlite:////tmp/c#1/db.sqlite3", "write it as %23"),
        ("sqlite:////tmp/x?y/db.sqlite3", "write it as %3F"),
    ],
)
def test_a_url_that_leads_to_no_database_or_to_another_is_refused_without_its_password(url, problem):
    found = find_url_problem(url)
    assert problem in found
    assert bool(found) == bool(problem)
    assert "sec" not in found


def test_a_url_is_decoded_once_and_the_default_path_is_none(tmp_path):
    assert read_database("sqlite:////tmp/c%231/100%2525", tmp_path)["NAME"] == "/tmp/c#1/100%25"  # noqa: S108  # A name.
    default = tmp_path / "c#1/x?y/100%25/db.sqlite3"
    assert read_database("", default)["NAME"] == str(default)


LIST_MODES = """
from pathlib import Path
from django.conf import settings
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE t AS SELECT 1")
    for file in Path(settings.BASE_DIR).glob("db.sqlite3*"):
        print(file.name, oct(file.stat().st_mode))
"""


def test_the_default_database_is_in_the_checkout_whatever_its_path_and_private_with_all_its_files(tmp_path):
    name = "c#1?x=y 100%2525"
    checkout = tmp_path / name
    for folder in ("mlsite", "predictor", "templates", "static"):
        shutil.copytree(ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", checkout)
    done = subprocess.run(  # noqa: S603  # Our own command.
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", LIST_MODES],
        cwd=checkout,
        env={**os.environ, **KEYS, "DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert sorted(done.stdout.split("\n")[:-1]) == [
        f"db.sqlite3{suffix} 0o100600" for suffix in ("", "-shm", "-wal")
    ], done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_database_file_that_was_shared_stays_shared(tmp_path):
    file = tmp_path / "shared.sqlite3"
    file.touch()
    file.chmod(0o640)
    assert run_manage("migrate", "--verbosity", "0", DATABASE_URL=f"sqlite:///{file}").returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
