"""manage.py, as it is typed: by whatever Python there is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import django
import pytest

from tests.conftest import ROOT

# The Python that .venv was made from: it has none of the packages.
BARE_PYTHON = Path(os.path.realpath(sys.executable))


@pytest.fixture
def checkout(tmp_path):
    """A folder with manage.py and the code that it needs, without an environment."""
    shutil.copy(ROOT / "manage.py", tmp_path)
    for package in ("mlsite", "predictor"):
        (tmp_path / package).symlink_to(ROOT / package)
    return tmp_path


def run(*command, **options):
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(  # noqa: S603  # Our own script.
        command, **{"env": environment, "capture_output": True, "text": True, "check": False, **options}
    )


def test_it_runs_with_the_environments_python_whatever_python_it_was_called_with(checkout, tmp_path_factory):
    (checkout / ".venv").symlink_to(ROOT / ".venv")
    done = run(BARE_PYTHON, checkout / "manage.py", "--version", cwd=tmp_path_factory.mktemp("elsewhere"))
    assert (done.stdout, done.stderr) == (f"{django.__version__}\n", "")


def test_the_interpreters_options_and_the_commands_arguments_go_along(checkout):
    (checkout / ".venv/bin").mkdir(parents=True)
    python = checkout / ".venv/bin/python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    done = run(BARE_PYTHON, "-W", "error", checkout / "manage.py", "retrain", "--data", "two words.csv")
    assert done.stdout.splitlines() == ["-W", "error", f"{checkout}/manage.py", "retrain", "--data", "two words.csv"]


def test_it_can_be_typed_as_it_is(checkout):
    (checkout / ".venv").symlink_to(ROOT / ".venv")
    path = f"{BARE_PYTHON.parent}:/usr/bin:/bin"
    done = run("./manage.py", "--version", cwd=checkout, env={"PATH": path})
    assert (done.stdout, done.stderr) == (f"{django.__version__}\n", "")


def test_without_an_environment_it_runs_with_the_python_that_was_called(checkout):
    done = run(sys.executable, checkout / "manage.py", "--version")
    assert (done.stdout, done.stderr) == (f"{django.__version__}\n", "")


def test_an_environment_that_is_damaged_is_started_once(checkout):
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/python").symlink_to(BARE_PYTHON)
    done = run(BARE_PYTHON, checkout / "manage.py", "--version", timeout=60)
    assert "No module named 'django'" in done.stderr
