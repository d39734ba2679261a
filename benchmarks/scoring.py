"""Measures how many rows a second are parsed, predicted and stored on PostgreSQL, as scoring a file does it.

    python -m benchmarks.scoring [--rows 100000] [--rounds 5]

A PostgreSQL of its own, and the shipped models, compiled. Prints for each the rows a second, median of the rounds, how
many rows the history has gained, and by how much the peak of memory grew from the first 20,000 rows to the last.
"""

import argparse
import itertools
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.checkouts import ROOT
from benchmarks.lifetime import end_when_asked, run_postgres
from tests.memory import read_memory

INPUTS = {
    "line": {"x": "5.25"},
    "penguins": {
        "island": "Biscoe", "bill_length_mm": "47.5", "bill_depth_mm": "15", "flipper_length_mm": "218",
        "body_mass_g": "4950", "sex": "female", "year": "2008",
    },
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    end_when_asked()
    with tempfile.TemporaryDirectory() as folder, run_postgres(Path(folder) / "data") as database_url:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "mlsite.settings",
            "DATABASE_URL": database_url,
            "SECRET_KEY": secrets.token_hex(32),
            "MODEL_SIGNING_KEY": secrets.token_hex(32),
        }
        # In processes of their own: what training imports is not there when a file is scored.
        for command in (["migrate", "--verbosity", "0"], ["retrain", *INPUTS]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, stdout=sys.stderr, check=True)
        measure(options.rows, options.rounds)


def measure(rows: int, rounds: int) -> None:
    import django

    django.setup()
    from django.db import connection

    from predictor.models import Prediction

    for slug in INPUTS:
        score(slug, 20_000)
        peak, before = read_memory("VmHWM"), Prediction.objects.count()
        taken = [score(slug, rows) for _ in range(rounds)]
        kept, grown = Prediction.objects.count() - before, read_memory("VmHWM") - peak
        if kept != rows * rounds:
            sys.exit(f"{slug}: {rows * rounds} rows were scored, but {kept} are kept")
        rate = rows / statistics.median(taken)
        print(f"{slug}: {rate:,.0f} rows/s ({rounds} rounds of {rows:,}), {kept:,} kept, peak +{grown:.0f} MB")
    connection.close()


def score(slug: str, rows: int) -> float:
    """Seconds for so many rows from the text of a file to committed answers."""
    from predictor.models import Prediction
    from predictor.scoring.rows import score_rows
    from predictor.serving.service import service

    runtime = service.get_runtime(slug)
    started = time.perf_counter()
    parsed = (runtime.schema.parse(raw) for raw in itertools.repeat(INPUTS[slug], rows))
    scored = sum(len(chunk) for chunk in score_rows(runtime, parsed, Prediction.Source.CSV))
    if scored != rows:
        sys.exit(f"{slug}: {rows} rows were given, and {scored} answered")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
