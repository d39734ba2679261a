import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.checks import run_checks

from predictor.checks.required_settings import check_keys
from predictor.models import Artifact
from tests.conftest import ROOT, run_manage
from tests.visitor import find_free_port

KEY, OTHER, FORMER = (secrets.token_hex(32) for _ in range(3))


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


def test_a_right_production_server_passes_the_deployment_checks(bare):
    done = run_manage("check", "--deploy", "--fail-level", "WARNING", **bare)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("doubtful", "id"),
    [
        ({"ALLOWED_HOSTS": ""}, "predictor.W020"),
        ({"HOST": "0.0.0.0"}, "predictor.W021"),  # noqa: S104  # Nothing listens there.
        ({"HOST": "192.168.1.5"}, "predictor.W021"),
    ],
)
def test_a_proxy_or_a_host_that_is_not_named_is_a_warning(bare, doubtful, id):
    done = run_manage("check", **{**bare, **doubtful})
    assert done.returncode == 0
    assert id in done.stderr


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
def test_proxies_and_hosts_that_are_named_rightly_are_no_warning(bare, right):
    assert "WARNINGS" not in run_manage("check", **{**bare, **right}).stderr


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
        ({"DYNO": "web.1"}, "predictor.E004"),
        ({"DEFAULT_MODEL": "Not a slug"}, "predictor.E005"),
        ({"DATABASE_URL": "nonsense"}, "predictor.E006"),
        ({"MODEL_MAX_MB": "a lot"}, "predictor.E007"),
        ({"MODEL_MAX_MB": "0"}, "predictor.E007"),
        ({"DATABASE_URL": "postgres://u:secret@h:port/d"}, "predictor.E006"),
        ({"ALLOWED_HOSTS": "https://models.example"}, "predictor.E020"),
        ({"ALLOWED_HOSTS": "models.example:8000"}, "predictor.E020"),
        ({"FORWARDED_ALLOW_IPS": "proxy.internal"}, "predictor.E021"),
        ({"FORWARDED_ALLOW_IPS": "10.0.0.5/8"}, "predictor.E021"),
        ({"CSRF_TRUSTED_ORIGINS": "models.example"}, "4_0.E001"),
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
