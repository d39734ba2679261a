"""bin/run, as somebody with a fresh clone calls it."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, run_manage
from tests.training import register_shipped
from tests.visitor import Server, Visitor, find_free_port

FILES = ["bin", "gunicorn.conf.py", "manage.py", "ml_models", "mlsite", "predictor", "Procfile", "requirements.txt"]


@pytest.fixture
def clone(tmp_path):
    """A checkout of its own, with this one's virtual environment so that nothing needs to be installed."""
    return make_clone(tmp_path / "c#1?100%25")


@pytest.fixture
def used_clone(clone, collected_static_files):
    """One in which static files were collected already, which takes seconds."""
    shutil.copytree(ROOT / "staticfiles", clone / "staticfiles")
    return clone


def make_clone(folder):
    folder.mkdir()
    for name in [*FILES, "static", "templates"]:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def make_environment(**changes):
    """The machine's own, without what bin/test and .ci/run set for the tests."""
    settings = ("DATABASE_URL", "SECRET_KEY", "MODEL_SIGNING_KEY", "DEPLOYMENT", "DJANGO_SETTINGS_MODULE")
    unwanted = (*settings, "PYTHON", "PYTHONPATH", "PYTHON_DOTENV_DISABLED")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, **changes}


def run(clone, **environment):
    """Call bin/run, which is expected to give up; give what it says."""
    done = subprocess.run(  # noqa: S603  # Our own script.
        [clone / "bin/run"],
        cwd=clone,
        env=make_environment(**{"PORT": str(find_free_port()), **environment}),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode not in (0, -signal.SIGKILL)
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def start(clone):
    servers = []

    def start_server(**environment):
        port = find_free_port()
        log = clone / f"run-{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  # Our own script.
                [clone / "bin/run"],
                cwd=clone,
                env=make_environment(PORT=str(port), **environment),
                stdout=output,
                stderr=output,
            )
        servers.append(Server(process=process, log=log, address=f"http://127.0.0.1:{port}"))
        return servers[-1].wait_until("/readyz")

    yield start_server
    for server in servers:
        server.stop()


def test_the_first_run_does_all_of_the_set_up_and_the_second_changes_nothing(clone, start):
    administrator = {
        "DJANGO_SUPERUSER_USERNAME": "ada",
        "DJANGO_SUPERUSER_PASSWORD": "a long one, for tests",
        "DJANGO_SUPERUSER_EMAIL": "ada@example.com",
    }
    first = start(**administrator)
    assert "The administrator ada was created." in first.log.read_text()
    assert f"Starting mlsite at http://localhost:{first.address.rpartition(':')[2]}/" in first.log.read_text()
    assert Visitor(first.address).post_form("/", {"x": "5"}).answer
    assert Visitor(first.address).post_form("/penguins/", {"island": "Dream", "year": "2008"}).answer
    env = clone / ".env"
    assert env.stat().st_mode & 0o777 == 0o600
    written = env.read_text()
    assert {line.partition("=")[0] for line in written.split()} == {"DEPLOYMENT", "SECRET_KEY", "MODEL_SIGNING_KEY"}
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in clone.glob("db.sqlite3*")} == {
        f"db.sqlite3{suffix}": "0o600" for suffix in ("", "-shm", "-wal")
    }
    assert len(list(clone.glob("staticfiles/site*.css"))) == 1, "only the file with a hash in its name is kept"
    first.stop()
    give_up_at = time.monotonic() + 30
    while "worker: stopped" not in first.log.read_text():  # It ends with the site.
        assert time.monotonic() < give_up_at
        time.sleep(0.1)

    second = start(**administrator)
    assert env.read_text() == written
    assert "nothing to do" in second.log.read_text()
    assert "was created" not in second.log.read_text()
    assert len(Visitor(second.address).get("/about/line/").html.select(".timeline > li")) == 1


def test_an_env_file_begun_by_hand_gets_the_keys_that_it_lacks(clone):
    (clone / ".env").write_text("HOST=192.0.2.1\n")
    assert "Cannot listen on 192.0.2.1" in run(clone)
    begin, secret_key, model_signing_key = (clone / ".env").read_text().rsplit("\n", 3)[:3]
    assert begin == "HOST=192.0.2.1\nDEPLOYMENT=local"
    assert secret_key.startswith("SECRET_KEY=")
    assert model_signing_key.startswith("MODEL_SIGNING_KEY=")


@pytest.fixture
def other_checkout(database_url):
    """The settings of a checkout that shares its database with the clone, but not its keys: this one."""
    register_shipped("line")
    return {"DATABASE_URL": database_url}


def test_a_second_checkout_leaves_alone_what_the_first_one_serves_and_says_how_to_go_on(used_clone, other_checkout):
    register_shipped("penguins")
    said = run(used_clone, **other_checkout)
    for hint in (
        "line 1 is live but not trusted here",
        "retrain line --replace-untrusted",
        "No live version is trusted here",
    ):
        assert hint in said
    assert "nothing to do" in run_manage("retrain", "--missing", **other_checkout).stdout


def test_a_second_checkout_serves_what_it_trusts_and_warns_of_the_rest(used_clone, other_checkout, start):
    (used_clone / ".env").write_text("DEFAULT_MODEL=penguins\n")
    server = start(**other_checkout)
    assert "WARNING: a model is not trusted here" in server.log.read_text()
    assert "manage.py createsuperuser" in server.log.read_text()
    assert "Palmer penguins</h1>" in Visitor(server.address).get("/").body
    assert Visitor(server.address).get("/penguins/").status == 200
    assert Visitor(server.address).get("/line/").status == 503


def test_a_busy_port_is_said_in_a_line(clone):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        said = run(clone, PORT=str(port))
    assert (
        said == f"Cannot listen on 127.0.0.1:{port} (Address already in use): stop the program that uses it,"
        " or set another PORT or HOST.\n"
    )


@pytest.mark.parametrize("port", ["http", "0", "70000"])
def test_a_wrong_port_is_said_in_a_line(clone, port):
    assert run(clone, PORT=port) == f"PORT is '{port}': it must be a whole number from 1 to 65535.\n"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "DATABASE_URL is not the URL of a database."),
        (
            "postgres://u:p@127.0.0.1:1/d",
            "(predictor.E012) The database cannot be used: connection to server at",
        ),
    ],
)
def test_a_database_that_cannot_be_used_is_said_without_a_stack_trace(clone, url, said):
    printed = run(clone, DATABASE_URL=url)
    assert said in printed
    assert "WARNINGS" not in printed


@pytest.fixture
def tools(tmp_path):
    """A PATH with the tools that the script itself calls, and no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("bash", "env", "dirname", "cmp", "cp", "rm", "sed"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def test_without_a_python_that_is_supported_it_says_so(clone, tools):
    (clone / ".venv").unlink()
    said = run(clone, PATH=str(tools))
    assert said.startswith(
        "Python 3.11, 3.12 or 3.13 was not found, or is not a version from 3.11 to 3.13: install one"
    )


def test_a_python_that_was_asked_for_by_name_is_not_replaced_by_another(clone, tools):
    (clone / ".venv").unlink()
    assert run(clone, PATH=str(tools), PYTHON="python3.9").startswith("python3.9 was not found")


def test_the_newest_python_is_taken(clone, tools):
    (clone / ".venv").unlink()
    real = Path(os.path.realpath(ROOT / ".venv/bin/python"))
    for name in ("python3.11", "python3.13", "python3.12"):
        write_program(tools / name, f'case "$2" in venv) echo "$0" >&2; exit 1 ;; esac\nexec {real} "$@"')
    assert run(clone, PATH=str(tools)).startswith(f"{tools}/python3.13\n")


@pytest.fixture
def python_without_venv(clone, tools):
    """A Python as Debian's is without python3-venv. With a file of that name, it stops where it would create one."""
    (clone / ".venv").unlink()
    real = Path(os.path.realpath(ROOT / ".venv/bin/python"))
    write_program(
        tools / "python3.11",
        f'case "$2" in *"import venv"*) [ -e {tools}/python3-venv ]; exit ;; venv) exit 1 ;; esac\nexec {real} "$@"',
    )


def write_program(file, shell):
    file.write_text(f"#!/bin/sh\n{shell}\n")
    file.chmod(0o755)


@pytest.mark.usefixtures("python_without_venv")
def test_without_the_venv_module_it_says_so(clone, tools):
    assert run(clone, PATH=str(tools)).startswith("Python has no venv module: install it")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may install packages")
@pytest.mark.usefixtures("python_without_venv")
def test_the_venv_module_is_installed_where_root_may(clone, tools):
    (tools / "mkdir").symlink_to(shutil.which("mkdir"))
    write_program(tools / "apt-get", f'for last; do :; done\n[ "$1" = update ] || : >"{tools}/$last"')
    assert run(clone, PATH=str(tools)) == (
        "Installing python3-venv (once) …\nThe virtual environment .venv could not be created.\n"
    )


def test_without_a_network_it_says_so(clone):
    (clone / ".venv").unlink()
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}
    said = run(clone, PIP_NO_CACHE_DIR="1", **nowhere).splitlines()
    assert said[-1].startswith("The requirements could not be installed; is there a network?")


def test_the_tests_get_no_settings_of_the_machine(clone):
    script = (ROOT / "bin/test").read_text()
    block = script[script.index("# None of the machine's own settings") : script.index("ruff format")]
    shutil.copytree(ROOT / "docs", clone / "docs")
    (clone / ".env").write_text("API_ACCESS=keys\nDATABASE_URL=postgres://u:p@127.0.0.1/d\n")
    show = "from django.conf import settings as s; print(s.FORM_ACCESS, s.API_ACCESS, s.EMAIL_PORT, s.DATABASES)"
    path = f"{ROOT}/.venv/bin{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603  # Our own script.
        ["bash", "-c", f"set -euo pipefail\n{block}\npython manage.py shell --no-imports -c '{show}'"],  # noqa: S607
        cwd=clone,
        env=make_environment(PATH=path, FORM_ACCESS="sign-in", EMAIL_PORT="25", SECRET_KEY="short"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("public public 587 {"), done.stderr
    assert "mlsite.sqlite3" in done.stdout
