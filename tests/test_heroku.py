"""What Heroku does with the project, as far as it can be done elsewhere."""

import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The project as a dyno has it: no .env, no .venv, no database file."""
    folder = tmp_path_factory.mktemp("heroku") / "app"
    folder.mkdir()
    for name in (
        "manage.py",
        "Procfile",
        "gunicorn.conf.py",
        "mlsite",
        "predictor",
        "templates",
        "static",
        "ml_models",
    ):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    return folder


def run_release(checkout, **environment):
    [command] = [line for line in (checkout / "Procfile").read_text().splitlines() if line.startswith("release: ")]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(  # noqa: S602  # Our own Procfile, run as Heroku does.
        command.removeprefix("release: "),
        shell=True,
        cwd=checkout,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def first(checkout):
    return run_release(checkout, DATABASE_URL=f"sqlite:///{checkout}/released.sqlite3")


@pytest.fixture
def url(checkout, first):
    return f"sqlite:///{checkout}/released.sqlite3"


def test_a_release_migrates_and_trains_and_the_next_one_changes_nothing(checkout, first, url):
    assert first.returncode == 0, first.stderr
    assert "penguins  version 1  live" in first.stdout
    assert "nothing to do" in run_release(checkout, DATABASE_URL=url).stdout


def test_a_training_that_fails_warns_and_does_not_block_the_release(checkout, tmp_path):
    broken = tmp_path / "app"
    shutil.copytree(checkout, broken, ignore=shutil.ignore_patterns("*.sqlite3*", "penguins"))
    (broken / "ml_models/line/data.csv").unlink()
    done = run_release(broken, DATABASE_URL=f"sqlite:///{broken}/db.sqlite3")
    assert done.returncode == 0
    assert "WARNING: a model could not be trained" in done.stderr


def test_a_release_that_does_not_know_the_signature_of_what_is_live_is_blocked_and_says_how_to_go_on(checkout, url):
    done = run_release(checkout, DATABASE_URL=url, MODEL_SIGNING_KEY=secrets.token_hex(32))
    assert done.returncode == 1
    for hint in ("line 1 is live but not trusted here", "set MODEL_SIGNING_KEY", "retrain line --replace-untrusted"):
        assert hint in done.stderr
    assert "Traceback" not in done.stderr
    with closing(sqlite3.connect(checkout / "released.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM predictor_version").fetchall() == [(2,)]
    assert "nothing to do" in run_release(checkout, DATABASE_URL=url).stdout


def test_a_dyno_without_a_database_releases_nothing(checkout):
    done = run_release(checkout, DYNO="release.1", DATABASE_URL="")
    assert done.returncode != 0
    assert "predictor.E004" in done.stderr
    with closing(sqlite3.connect(checkout / "db.sqlite3")) as database:  # A check of Django's own opens it.
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_the_app_is_described_for_heroku():
    app = json.loads((ROOT / "app.json").read_text())
    assert app["addons"] == ["heroku-postgresql:essential-0"]
    assert {name for name, variable in app["env"].items() if variable.get("generator") == "secret"} == {
        "SECRET_KEY",
        "MODEL_SIGNING_KEY",
    }
    processes = {line.partition(":")[0] for line in (ROOT / "Procfile").read_text().splitlines()}
    assert processes == {*app["formation"], "release"}
    listed = (ROOT / "docs/configuration.md").read_text()
    assert all(f"| `{name}` |" in listed for name in app["env"])


def test_all_files_that_name_a_python_for_a_machine_name_the_oldest_one():
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    oldest = supported.removeprefix(">=").partition(",")[0]
    # Heroku reads runtime.txt first, and today's buildpacks the other.
    assert (ROOT / "runtime.txt").read_text() == f"python-{oldest}\n"
    assert (ROOT / ".python-version").read_text() == f"{oldest}\n"
    assert f'python-version: "{oldest}"' in (ROOT / ".github/workflows/test.yml").read_text()
    assert f"PYTHON=python{oldest} bin/test" in (ROOT / ".ci/run").read_text()
