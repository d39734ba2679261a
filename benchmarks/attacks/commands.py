"""What our own commands do to visitors on SQLite, where one writer at a time holds the database."""

import csv
import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress

from benchmarks.attacks.attackers import Attack
from benchmarks.attacks.target import Target
from benchmarks.checkouts import ROOT

SCORE = """
import itertools, json, sys
import django
django.setup()
from predictor.models import Prediction
from predictor.scoring.rows import score_rows
from predictor.serving.service import service
runtime = service.get_runtime(sys.argv[1])
rows = (runtime.schema.parse(raw) for raw in itertools.repeat(json.loads(sys.argv[2])))
for chunk in score_rows(runtime, rows, Prediction.Source.CSV):
    pass
"""


def record_outcomes(target: Target) -> None:
    file = target.folder / "outcomes.csv"
    path = target.environment["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection, file.open("w", newline="") as opened:
        rows = connection.execute("SELECT id, output FROM predictor_prediction WHERE source = 'csv'")
        csv.writer(opened).writerows([("id", "outcome"), *rows])
    _run(target, "manage.py", "record_outcomes", str(file))


def score_rows(target: Target) -> None:
    """Rows without end, as a file is scored."""
    _run(target, "-c", SCORE, "line", '{"x": "5"}')


def _run(target: Target, *arguments: str) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "mlsite.settings"} | target.environment
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL,
            timeout=max(0.1, target.seconds_left), check=True,
        )  # fmt: skip


ATTACKS = {
    "outcomes": Attack(
        title="record_outcomes of all rows", run=record_outcomes, needs="own", database="SQLite", least_seconds=30
    ),
    "scoring": Attack(
        title="rows scored without end", run=score_rows, needs="own", database="SQLite", least_seconds=10
    ),
}
