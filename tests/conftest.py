import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection, connections
from django.utils import translation

from predictor.access.callers import read_api_access
from predictor.access.hashing import PasswordHasher
from predictor.access.keys import keys
from predictor.serving.explaining import asking
from predictor.serving.service import service
from tests.tabs import Tabs
from tests.training import register_shipped
from tests.visitor import Server, find_free_port

gc.disable()  # Until all is collected: nearly nothing of it is garbage.
ROOT = Path(__file__).parent.parent
BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
BROWSER_FLAGS += ["--disable-component-update", "--disable-sync"]
# It asks for hosts of Google's all the same.
BROWSER_FLAGS += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
# Files that take more than 10 s, the longest first, and those that mostly wait between those that compute.
LONGEST = ["faults", "narrow", "turns", "bin", "model_formats", "attacks", "browser", "jobs", "checks"]
LONGEST += ["promotion_log", "output", "live", "new_model_admin", "admin", "benchmarks", "importing"]
LONGEST += ["retrain_journey", "boosters", "files", "heroku", "start", "kept_scoring", "selection", "threads"]
LONGEST += ["environment", "cluster", "commands", "shares", "packing", "apps", "telemetry", "drift"]


def pytest_make_parametrize_id(config, val, argname):
    """Name bytes by their argument: archives contain the time, and all processes must collect the same names."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory, django_db_modify_db_settings_parallel_suffix):
    """On SQLite a file, as in production: other processes and threads look at it too."""
    database = django_settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("sqlite") / "test.sqlite3")


@pytest.fixture(autouse=True, scope="session")
def quick_hashes():
    """Passwords of tests are hashed quickly; servers, which are processes of their own, verify such hashes too."""
    PasswordHasher.iterations = 10


@pytest.fixture(autouse=True)
def fresh_service():
    service.forget()
    keys.forget()
    read_api_access.cache_clear()
    asking._prepared.clear()
    yield
    service.forget()


@pytest.fixture(autouse=True)
def fresh_translation(monkeypatch):
    """Django decides once in a process, by USE_I18N, whether it translates: here once in each test."""
    monkeypatch.setattr(translation, "_trans", type(translation._trans)())


@pytest.fixture(autouse=True)
def plain_static_files(settings, tmp_path):
    """The manifest storage wants collected files; only the real server's tests collect them."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def models_dir(tmp_path, settings):
    """The two shipped recipes, in a folder that a test may change."""
    folder = tmp_path / "ml_models"
    shutil.copytree(ROOT / "ml_models", folder, ignore=shutil.ignore_patterns("*.pkl", "__pycache__"))
    settings.MODELS_DIR = folder
    return folder


@pytest.fixture
def line(models_dir, db):
    return register_shipped("line")


@pytest.fixture
def penguins(models_dir, db):
    return register_shipped("penguins")


@pytest.fixture(scope="module")
def committed_db(django_db_setup, django_db_blocker):
    """The test database for all tests of a module: other processes see what is written, and at the end all is removed.

    Such a module has a `db` of its own, by which pytest-django sees that a database is needed.
    """
    with django_db_blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def database_url(transactional_db):
    """The test database's address, for other processes."""
    return make_database_url()


def make_database_url():
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    host = database["OPTIONS"].get("host") or database["HOST"]
    return f"postgresql://{database['USER']}@/{database['NAME']}?host={quote(host, safe='')}"


def pytest_ignore_collect(collection_path, config):
    """Where only tests for both databases run, no other file needs to be imported."""
    if config.getoption("markexpr") == "both_databases" and collection_path.name.startswith("test_"):
        return "both_databases" not in collection_path.read_text(encoding="utf-8") or None
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Where several processes share the tests, begin with the longest files: each is for one of them alone."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        ranks = {name: rank for rank, name in enumerate(LONGEST)}
        items.sort(key=lambda item: ranks.get(item.path.stem.removeprefix("test_"), len(ranks)))


def pytest_collection_finish():
    """What was imported and collected stays: the garbage collector need not look through it again and again."""
    gc.enable()
    gc.collect()
    gc.freeze()


def pytest_sessionstart(session):
    """Where several processes share the tests, the one that starts them collects static files, before any server."""
    is_first = session.config.getoption("numprocesses", None) and not hasattr(session.config, "workerinput")
    if is_first and "STATIC_FILES_ARE_COLLECTED" not in os.environ:
        collect_static_files()


@pytest.fixture(scope="session")
def collected_static_files():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        collect_static_files()


def collect_static_files():
    run_manage("collectstatic", "--noinput", "--verbosity", "0").check_returncode()


@pytest.fixture
def serve(database_url, collected_static_files, tmp_path):
    """Start the site as the Procfile does; every server is stopped at the end."""
    servers = []

    def start(**environment):
        servers.append(start_server(tmp_path, **{"DATABASE_URL": database_url, **environment}))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def shared_server(django_db_setup, collected_static_files, tmp_path_factory):
    """One server for all tests of a module: it notices each test's own versions as it would any promotion."""
    server = start_server(tmp_path_factory.mktemp("server"), DATABASE_URL=make_database_url(), WEB_CONCURRENCY="1")
    yield server
    server.stop()


def start_server(folder, **environment):
    port = find_free_port()
    log = folder / f"server-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # Our own server.
            [Path(sys.executable).parent / "gunicorn"],
            cwd=ROOT,
            env={**os.environ, "PORT": str(port), **environment},
            stdout=output,
            stderr=output,
        )
    return Server(process=process, log=log, address=f"http://127.0.0.1:{port}")


def run_manage(*arguments, **environment):
    return subprocess.run(  # noqa: S603  # Our own command.
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def chromium():
    """The browser's path; where it is not there or cannot be driven, its tests are skipped, but never in CI."""
    found = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)
    reason = find_obstacle() if found else "Chromium is not installed, and only root on Debian may install it here"
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"no browser: {reason}")
    if reason:
        pytest.skip(f"no browser: {reason}")
    return found


@pytest.fixture(scope="module")
def launched(chromium):
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread, and with one, Django refuses to query the database.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_FLAGS)
        yield browser
        connections.close_all()  # The event loop has some of its own, which nobody finds after it has ended.
        browser.close()


@pytest.fixture(scope="module")
def tabs(launched):
    return Tabs(launched)


def find_obstacle():
    """Why Playwright's own program does not run on this machine; empty where it does."""
    from playwright._impl._driver import compute_driver_executable

    done = subprocess.run(  # noqa: S603  # The installed package's own program.
        [*compute_driver_executable(), "--version"], capture_output=True, text=True, check=False
    )
    return f"Playwright does not run ({done.stderr.strip()})" if done.returncode else ""
