import os
import runpy
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from predictor.checks.required_settings import check_keys
from predictor.models import Artifact
from tests.conftest import ROOT, run_manage
from tests.visitor import find_free_port

KEY, OTHER, FORMER = (secrets.token_hex(32) for _ in range(3))
SETTINGS_READ = {"DYNO", "PORT", "WEB_CONCURRENCY", "DEFAULT_MODEL"}
KEPT_SETTINGS = {"DATABASES", "STORAGES", "STATIC_ROOT"}


@pytest.fixture
def bare(tmp_path):
    """The environment of a production server that is set up rightly, and nothing of this machine's own.

    An empty value keeps .env from giving one.
    """
    return {
        "DEPLOYMENT": "production",
        "SECRET_KEY": KEY,
        "MODEL_SIGNING_KEY": OTHER,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "ALLOWED_HOSTS": "models.example",
        "HOST": "",
        "FORWARDED_ALLOW_IPS": "",
        "CSRF_TRUSTED_ORIGINS": "",
    }


def test_a_right_production_server_passes_the_deployment_checks(bare, collected_static_files):
    done = run_manage("check", "--deploy", "--fail-level", "WARNING", **bare)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def find_problems(bare, monkeypatch):
    """Read the settings from this environment, and give what the system checks say of them."""

    def find(environment):
        with monkeypatch.context() as patch:
            for name in {*SETTINGS_READ, *bare} & os.environ.keys():
                patch.delenv(name)
            for name, value in {**bare, **environment}.items():
                patch.setenv(name, value)
            read = runpy.run_path(str(ROOT / "mlsite/settings.py"))
            # This process is connected to its own database already, and has its own static files.
            wanted = {name: value for name, value in read.items() if name.isupper() and name not in KEPT_SETTINGS}
            with override_settings(**wanted):
                return run_checks()

    return find


@pytest.mark.parametrize(
    ("doubtful", "id"),
    [
        ({"ALLOWED_HOSTS": ""}, "predictor.W020"),
        ({"HOST": "0.0.0.0"}, "predictor.W021"),  # noqa: S104  # Nothing listens there.
        ({"HOST": "192.168.1.5"}, "predictor.W021"),
    ],
)
def test_a_proxy_or_a_host_that_is_not_named_is_a_warning(find_problems, doubtful, id):
    assert [(each.id, each.is_serious()) for each in find_problems(doubtful)] == [(id, False)]


@pytest.mark.parametrize(
    "right",
    [
        {"HOST": "127.0.0.1"},
        {"HOST": "[::1]"},
        {"HOST": "0.0.0.0", "FORWARDED_ALLOW_IPS": "10.0.0.0/8,::1,*"},  # noqa: S104  # Nothing listens there.
        {"HOST": "0.0.0.0", "ALLOWED_HOSTS": "", "DEPLOYMENT": "local"},  # noqa: S104  # Nothing listens there.
        {"ALLOWED_HOSTS": "*, .models.example, 10.1.2.3, [2001:db8::1]"},
    ],
)
def test_proxies_and_hosts_that_are_named_rightly_are_no_warning(find_problems, right):
    assert find_problems(right) == []


@pytest.mark.parametrize(
    ("wrong", "id"),
    [
        ({"SECRET_KEY": ""}, "predictor.E001"),
        ({"SECRET_KEY": "short"}, "predictor.E001"),
        ({"SECRET_KEY": "ab" * 40}, "predictor.E001"),
        ({"MODEL_SIGNING_KEY": ""}, "predictor.E002"),
        ({"MODEL_SIGNING_KEY": "a" * 64}, "predictor.E002"),
        ({"SECRET_KEY": "0123456789abcdef" * 4}, "predictor.E001"),
        ({"SECRET_KEY": "a" * 60 + "bcdef"}, "predictor.E001"),
        ({"MODEL_SIGNING_KEY": KEY}, "predictor.E003"),
        ({"MODEL_SIGNING_KEY_FALLBACKS": "x"}, "predictor.E002"),
        ({"MODEL_SIGNING_KEY_FALLBACKS": f"{FORMER},{'abcde' * 12}"}, "predictor.E002"),
        ({"MODEL_SIGNING_KEY_FALLBACKS": KEY}, "predictor.E003"),
        ({"DEFAULT_MODEL": "Not a slug"}, "predictor.E005"),
        ({"DATABASE_URL": "nonsense"}, "predictor.E006"),
        ({"MODEL_MAX_MB": "a lot"}, "predictor.E007"),
        ({"MODEL_MAX_MB": "0"}, "predictor.E007"),
        ({"UPLOAD_MAX_MB": "50 MB"}, "predictor.E007"),
        ({"WORKER_MEMORY_MB": "512 MB"}, "predictor.E043"),
        ({"WORKER_MEMORY_MB": "64"}, "predictor.E043"),
        ({"RETENTION": "365"}, "predictor.E017"),
        ({"FILES_KEPT": "a week"}, "predictor.E027"),
        ({"SCHEDULE_TIME_ZONE": "Berlin"}, "predictor.E045"),
        ({"FILES_MAX_MB": "0"}, "predictor.E028"),
        ({"SCHEDULER_URL": "10.0.0.5:8786"}, "predictor.E029"),
        ({"SCHEDULER_URL": "tcp://user:secret@h:8786"}, "predictor.E029"),
        ({"DATABASE_URL": "postgres://u:secret@h:port/d"}, "predictor.E006"),
        ({"SITE_NAME": "n" * 61}, "predictor.E030"),
        ({"LOGO": "//cdn.example/logo.svg"}, "predictor.E031"),
        ({"ACCENT_COLOR": "blue"}, "predictor.E032"),
        ({"PRIVACY_URL": "javascript:alert(1)"}, "predictor.E034"),
        ({"ALLOWED_HOSTS": "https://models.example"}, "predictor.E020"),
        ({"ALLOWED_HOSTS": "models.example:8000"}, "predictor.E020"),
        ({"FORWARDED_ALLOW_IPS": "proxy.internal"}, "predictor.E021"),
        ({"FORWARDED_ALLOW_IPS": "10.0.0.5/8"}, "predictor.E021"),
        ({"API_ALLOWED_ORIGINS": "https://shop.example,*"}, "predictor.E016"),
        ({"API_ALLOWED_ORIGINS": "https://shop.example/"}, "predictor.E016"),
        ({"TRUSTED_PROXIES": "cdn.example"}, "predictor.E026"),
        ({"TRUSTED_PROXIES": "2,10.0.0.0/8"}, "predictor.E026"),
        ({"RATE_LIMIT_KEY": "600"}, "predictor.E025"),
        ({"RATE_LIMIT_ADDRESS": "600/fortnight"}, "predictor.E025"),
        ({"CSRF_TRUSTED_ORIGINS": "models.example"}, "4_0.E001"),
        ({"DATABASE_URL": "postgres://u:secret@h/"}, "predictor.E006"),
        ({"DATABASE_URL": "mysql://u:secret@h/d"}, "predictor.E006"),
        ({"WEB_CONCURRENCY": "two"}, "predictor.E011"),
        ({"PORT": "80800"}, "predictor.E011"),
        ({"DATABASE_STATEMENT_SECONDS": "9.5"}, "predictor.E011"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_no_password(find_problems, wrong, id):
    problems = find_problems(wrong)
    assert (id, True) in [(each.id, each.is_serious()) for each in problems]
    assert "secret@" not in str(problems)


@pytest.mark.parametrize(
    ("wrong", "id"),
    [
        ({"SECRET_KEY": ""}, "predictor.E001"),
        ({"DYNO": "web.1"}, "predictor.E004"),
        ({"DATABASE_URL": "nonsense"}, "predictor.E006"),
        ({"DATABASE_URL": "postgres://u:secret@h:port/d"}, "predictor.E006"),
        ({"WEB_CONCURRENCY": "two"}, "predictor.E011"),
    ],
)
def test_what_is_wrong_stops_every_command_with_a_clear_message(bare, wrong, id):
    done = run_manage("migrate", **{**bare, **wrong})
    assert done.returncode == 1
    assert f"({id})" in done.stderr
    assert "secret@" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "make",
    [
        lambda: secrets.token_hex(32),
        lambda: secrets.token_hex(25),
        lambda: secrets.token_urlsafe(48),
        lambda: "".join(secrets.choice("0123456789") for _ in range(50)),
    ],
    ids=["64 hex", "50 hex", "base64", "digits"],
)
def test_a_random_key_is_never_called_weak(settings, make):
    for _ in range(200):
        settings.SECRET_KEY, settings.MODEL_SIGNING_KEY, *settings.MODEL_SIGNING_KEY_FALLBACKS = make(), make(), make()
        assert list(check_keys()) == []


@pytest.mark.parametrize("unit", ["abcde", "0123456789abcdef", "correct horse battery", "aaaaaaaaaaaaaaaaaaaab"])
def test_a_short_text_that_is_repeated_is_a_weak_key_also_as_a_fallback(settings, unit):
    weak = (unit * 20)[:70]
    settings.SECRET_KEY, settings.MODEL_SIGNING_KEY = KEY, OTHER
    settings.MODEL_SIGNING_KEY_FALLBACKS = [FORMER, weak]
    [message] = check_keys()
    assert message.id == "predictor.E002"
    assert message.msg.startswith("MODEL_SIGNING_KEY_FALLBACKS, key 2 is weak: it has 70 characters")
    assert message.msg.endswith(f"and repeats the first {len(unit)}.")
    assert unit not in str(message)


def test_a_wrong_setting_stops_the_server_and_no_key_is_told(bare):
    done = subprocess.run(  # Our own server.
        [sys.executable, "-c", "import mlsite.wsgi"],
        cwd=ROOT,
        env={**os.environ, **bare, "SECRET_KEY": "quite-short"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "SECRET_KEY is weak" in done.stderr
    assert "quite-short" not in done.stderr


def test_the_server_says_what_is_wrong_in_a_line_and_does_not_start(bare):
    done = subprocess.run(  # noqa: S603  # Our own server.
        [Path(sys.executable).parent / "gunicorn"],
        cwd=ROOT,
        env={**os.environ, **bare, "MODEL_SIGNING_KEY": "", "PORT": str(find_free_port())},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "MODEL_SIGNING_KEY is not set." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_never_answers_is_given_up_before_the_router_does(bare):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgres://u:p@127.0.0.1:{silent.getsockname()[1]}/d"
        started = time.monotonic()
        done = run_manage("retrain", **{**bare, "DATABASE_URL": url})
    assert done.returncode == 1
    assert "The database cannot be used" in done.stderr
    assert time.monotonic() - started < 20


def test_static_files_are_collected_in_a_build_without_any_setting(tmp_path):
    empty = dict.fromkeys(["SECRET_KEY", "MODEL_SIGNING_KEY", "DATABASE_URL", "DEPLOYMENT"], "")
    done = run_manage("collectstatic", "--noinput", "--dry-run", **empty)
    assert done.returncode == 0, done.stderr


def test_on_a_dyno_postgres_is_reached_over_tls_and_a_stricter_mode_is_kept(bare):
    code = "from django.conf import settings; print(settings.DATABASES['default']['OPTIONS'])"
    for url, mode in [("postgres://u:p@h/d", "require"), ("postgres://u:p@h/d?sslmode=verify-full", "verify-full")]:
        done = run_manage("shell", "--no-imports", "-c", code, **{**bare, "DYNO": "web.1", "DATABASE_URL": url})
        assert f"'sslmode': '{mode}'" in done.stdout, done.stderr


AWAY = {"sqlite": "sqlite:////nowhere/db.sqlite3", "postgresql": "postgres://u:secret@127.0.0.1:9/d"}
USING = [
    ["versions"],
    ["rollback", "line"],
    ["createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.com"],
]


@pytest.mark.parametrize(
    ("vendor", "arguments"),
    [("sqlite", USING[0]), *(("postgresql", each) for each in USING)],
    ids=lambda each: each if isinstance(each, str) else each[0],
)
def test_a_database_that_is_away_is_reported_in_a_few_lines(bare, vendor, arguments):
    done = run_manage(*arguments, **{**bare, "DATABASE_URL": AWAY[vendor], "DJANGO_SUPERUSER_PASSWORD": "x"})
    assert done.returncode == 1
    *others, last = done.stderr.split("CommandError: The database cannot be used: check DATABASE_URL")
    assert len(last.splitlines()) < 4
    assert "Traceback" not in done.stderr
    # Commands of Django's own list warnings, such as that of static files.
    assert others == [""] or arguments[0] == "createsuperuser"
    assert "secret" not in done.stderr


@pytest.mark.parametrize("vendor", AWAY)
@pytest.mark.parametrize("arguments", [["check", "--database", "default"], ["migrate"]], ids=["check", "migrate"])
def test_the_checks_of_the_database_find_one_that_is_away(bare, vendor, arguments):
    done = run_manage(*arguments, **{**bare, "DATABASE_URL": AWAY[vendor]})
    assert done.returncode == 1
    assert "(predictor.E012) The database cannot be used: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def create_database(database_url):
    """Create a database, and its user, who may do what the SQL says; give its URL. Both are dropped at the end."""
    suffix = secrets.token_hex(4)
    name = f"checked_{suffix}"

    def create(options="", then=""):
        with closing(psycopg2.connect(database_url)) as server:
            server.autocommit = True
            server.cursor().execute(f"CREATE ROLE {name} LOGIN")
            server.cursor().execute(f"CREATE DATABASE {name} {options}")
        url = urlsplit(database_url)
        with (
            closing(psycopg2.connect(url._replace(path=f"/{name}").geturl())) as owner,
            owner,
            owner.cursor() as cursor,
        ):
            cursor.execute(f"SELECT 1; {then.format(user=name)}")
        return f"postgresql://{name}@/{name}?{url.query}"

    yield create
    with closing(psycopg2.connect(database_url)) as server:
        server.autocommit = True
        server.cursor().execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.cursor().execute(f"DROP ROLE IF EXISTS {name}")


on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has neither users nor encodings")


@on_postgresql
def test_a_database_that_cannot_store_every_text_is_found_before_it_is_migrated(bare, create_database):
    url = create_database("ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    for arguments in (["check", "--database", "default"], ["migrate"]):
        done = run_manage(*arguments, **{**bare, "DATABASE_URL": url})
        assert done.returncode == 1
        assert "(predictor.E013)" in done.stderr
        assert "has the encoding LATIN1" in done.stderr
        assert "Traceback" not in done.stderr


@on_postgresql
def test_a_user_who_may_not_create_the_tables_is_found_and_one_who_need_not_is_fine(bare, create_database):
    url = create_database(then="REVOKE CREATE ON SCHEMA public FROM PUBLIC;")
    done = run_manage("migrate", **{**bare, "DATABASE_URL": url})
    assert done.returncode == 1
    assert "(predictor.E014)" in done.stderr
    assert "GRANT CREATE ON SCHEMA public TO" in done.stderr
    assert "Traceback" not in done.stderr

    owners = url.replace(url.partition("@")[0], "postgresql://postgres")
    run_manage("migrate", "--verbosity", "0", **{**bare, "DATABASE_URL": owners}).check_returncode()
    user = urlsplit(url).username
    with closing(psycopg2.connect(owners)) as owner, owner, owner.cursor() as cursor:
        cursor.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}")
    done = run_manage("check", "--database", "default", **{**bare, "DATABASE_URL": url})
    assert (done.returncode, "predictor.E014" in done.stderr) == (0, False), done.stderr


def test_a_database_file_that_every_user_may_read_is_a_warning(bare, tmp_path):
    (tmp_path / "db.sqlite3").touch(mode=0o644)
    done = run_manage("check", "--database", "default", **bare)
    assert done.returncode == 0
    assert "(predictor.W004)" in done.stderr
    assert f"chmod 600 {tmp_path}/db.sqlite3*" in done.stderr


@pytest.fixture
def checkout(tmp_path):
    """A copy of the code, without an environment and with no static files collected."""
    for name in ("mlsite", "predictor", "templates", "static", "ml_models", "bin"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.pkl"))
    for name in ("manage.py", "gunicorn.conf.py"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def run_in(checkout, *command, **environment):
    return subprocess.run(  # noqa: S603  # Our own programs.
        [sys.executable, *command],
        cwd=checkout,
        env={**os.environ, "PYTHON_DOTENV_DISABLED": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


READERS = [["manage.py", "check"], ["manage.py", "migrate"], ["bin/env_file.py"], ["bin/address.py"]]


@pytest.mark.parametrize(
    ("encoding", "reader"),
    [("utf-16", READERS[0]), *(("latin-1", each) for each in READERS)],
    ids=lambda each: each if isinstance(each, str) else " ".join(each),
)
def test_an_env_file_that_is_not_utf_8_is_reported_by_each_who_reads_it(checkout, encoding, reader):
    content = "TITLE=M\u00fcnster\n".encode(encoding)
    (checkout / ".env").write_bytes(content)
    done = run_in(checkout, *reader, SECRET_KEY="", MODEL_SIGNING_KEY="", DEPLOYMENT="", ALLOWED_HOSTS="")
    assert done.returncode == 1
    assert ".env cannot be read" in done.stderr
    assert "UTF-8" in done.stderr
    assert "Traceback" not in done.stderr
    assert "is not set" not in done.stderr
    assert (checkout / ".env").read_bytes() == content


def test_a_byte_order_mark_does_not_hide_the_first_line_of_an_env_file(checkout, bare):
    (checkout / ".env").write_text("DEFAULT_MODEL=Not a slug\n", "utf-8-sig")
    done = run_in(checkout, "manage.py", "check", **bare)
    assert "predictor.E005" in done.stderr


@pytest.fixture
def static_file(settings, tmp_path):
    """A static file that is not collected, under the storage that production has, but without compression."""
    settings.STATICFILES_DIRS = [tmp_path / "static"]
    settings.STATIC_ROOT = tmp_path / "collected"
    backend = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}
    for folder in ("static", "collected"):
        (tmp_path / folder).mkdir()
    (tmp_path / "static/site.css").write_text("p {}")
    return tmp_path / "static/site.css"


def test_static_files_that_were_not_collected_are_a_warning_that_names_one(static_file):
    def find_warnings():
        return [message.msg for message in run_checks() if message.id == "predictor.W003"]

    assert len(find_warnings()) == 1
    call_command("collectstatic", interactive=False, verbosity=0)
    assert find_warnings() == []
    static_file.with_name("new.css").write_text("p {}")
    [warning] = find_warnings()
    assert warning == "Static files were not collected (1, such as new.css): every page would be a 500."


@pytest.mark.django_db
def test_a_site_whose_pages_cannot_be_rendered_is_not_ready(client, line, static_file):
    assert client.get("/readyz").status_code == 503
    call_command("collectstatic", interactive=False, verbosity=0)
    assert client.get("/readyz").status_code == 200
    static_file.with_name("new.css").write_text("p {}")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.content == b"static files were not collected\n"


def find_messages():
    return [message for message in run_checks(databases=["default"]) if message.id.startswith("predictor")]


@pytest.mark.django_db
def test_good_live_versions_need_no_word(line, penguins):
    assert find_messages() == []


@pytest.mark.django_db
def test_a_default_model_without_a_live_version_is_a_warning(line, settings):
    settings.DEFAULT_MODEL = "lime"
    [message] = find_messages()
    assert message.id == "predictor.W002"
    assert "'lime', which has no live version" in message.msg


@pytest.mark.django_db
def test_a_live_version_that_cannot_be_served_is_a_warning_that_says_why(line, penguins):
    Artifact.objects.filter(version=line).update(signature="0" * 64)
    [message] = find_messages()
    assert message.id == "predictor.W001"
    assert message.msg.startswith("line 1 is live but not trusted here: its manifest is not signed")
    assert "set MODEL_SIGNING_KEY" in message.msg

    Artifact.objects.filter(version=line).delete()
    [message] = find_messages()
    assert message.msg.startswith("line 1 is live but cannot be served (DamagedArtifact): it has no pickle")
    assert message.hint == "Run `manage.py retrain line`."


def test_the_database_check_bears_missing_tables(bare):
    done = run_manage("check", "--database", "default", **bare)
    assert done.returncode == 0, done.stderr
