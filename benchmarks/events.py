"""Measures requests while a worker is replaced or another version goes live."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing

import psycopg2

from benchmarks.checkouts import ROOT
from benchmarks.systems import KEYS, System, list_family

SECONDS_BEFORE = 2.0


def promote_under_load(database_url: str, number: int, load: Callable[[], float]) -> float:
    """Make another version of `line` live while `load` runs; returns what `load` returns."""
    environment = os.environ | {"DATABASE_URL": database_url, **KEYS}
    command = [sys.executable, "manage.py", "promote", "line", str(number), "--reason", "a benchmark"]

    def promote() -> None:
        time.sleep(SECONDS_BEFORE)
        subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)

    promoting = threading.Thread(target=promote)
    promoting.start()
    found = load()
    promoting.join()
    return found


def forget_compiled(database_url: str) -> None:
    """Drop every compiled model, so that workers which begin from now on serve by pickles."""
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        compiled = "SELECT id FROM predictor_artifact WHERE kind = 'onnx'"
        cursor.execute(f"DELETE FROM predictor_artifactchunk WHERE artifact_id IN ({compiled})")  # noqa: S608  # Ours.
        cursor.execute("DELETE FROM predictor_artifact WHERE kind = 'onnx'")


def time_new_workers(site: System) -> float:
    """Kill every worker at once; returns the seconds until a new one serves the default model."""
    assert site.process is not None
    began = time.monotonic()
    for pid in list_family(site.process.pid)[1:]:
        os.kill(pid, signal.SIGKILL)
    while not site.answers():
        time.sleep(0.01)
    return time.monotonic() - began
