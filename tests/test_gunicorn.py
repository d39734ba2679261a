import runpy

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("url", "worker", "pool"),
    [
        ("postgres://u:p@h/d", "mlsite.worker.Worker", "4"),
        ("postgresql://u:p@h/d", "mlsite.worker.Worker", "4"),
        ("sqlite:///db.sqlite3", "mlsite.threads.Worker", "0"),
        ("", "mlsite.threads.Worker", "0"),
        ("nonsense", "mlsite.threads.Worker", "0"),
    ],
)
def test_workers_are_chosen_by_the_database(monkeypatch, url, worker, pool):
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("DATABASE_POOL_SIZE", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    assert settings["worker_class"] == worker
    assert settings["os"].environ["DATABASE_POOL_SIZE"] == pool
