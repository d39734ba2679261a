import runpy

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("url", "worker", "pool"),
    [
        ("postgres://u:p@h/d", "mlsite.worker.Worker", "2"),
        ("postgresql://u:p@h/d", "mlsite.worker.Worker", "2"),
        ("sqlite:///db.sqlite3", "mlsite.threads.Worker", "0"),
        ("", "mlsite.threads.Worker", "0"),
        ("nonsense", "mlsite.threads.Worker", "0"),
    ],
)
def test_workers_are_chosen_by_the_database(monkeypatch, url, worker, pool):
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("DATABASE_POOL_SIZE", "0")
    monkeypatch.setenv("DATABASE_STATEMENT_SECONDS", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    assert settings["worker_class"] == worker
    assert settings["os"].environ["DATABASE_POOL_SIZE"] == pool


@pytest.mark.parametrize(("given", "seconds"), [("", "9"), ("20", "20"), ("0", "0")])
def test_statements_of_web_processes_are_limited_unless_the_environment_says_otherwise(monkeypatch, given, seconds):
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@h/d")
    monkeypatch.setenv("DATABASE_POOL_SIZE", "0")
    monkeypatch.setenv("DATABASE_STATEMENT_SECONDS", given)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    assert settings["os"].environ["DATABASE_STATEMENT_SECONDS"] == seconds


def test_a_limit_that_is_not_a_whole_number_stops_the_server(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@h/d")
    monkeypatch.setenv("DATABASE_POOL_SIZE", "0")
    monkeypatch.setenv("DATABASE_STATEMENT_SECONDS", "9.5")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with pytest.raises(SystemExit, match=r"DATABASE_STATEMENT_SECONDS is '9\.5': it must be a whole number from 0"):
        runpy.run_path(str(ROOT / "gunicorn.conf.py"))


@pytest.mark.parametrize(("given", "trusted"), [("", "127.0.0.1,::1"), ("10.0.0.5", "10.0.0.5")])
def test_the_proxies_that_are_trusted_may_be_named_in_the_file_of_settings_too(monkeypatch, given, trusted):
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", given)
    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["forwarded_allow_ips"] == trusted


def test_the_server_starts_with_a_doubtful_setting_and_says_so(monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("DEPLOYMENT", "production")
    monkeypatch.setenv("ALLOWED_HOSTS", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    runpy.run_path(str(ROOT / "gunicorn.conf.py"))["on_starting"](None)
    assert "ALLOWED_HOSTS is not set" in capsys.readouterr().err
