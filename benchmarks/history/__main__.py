"""Measures the admin, the search and the write path with a long history, and outcomes by the hundred thousand.

    python -m benchmarks.history [--rows 5000000] [--outcomes 300000] [--sqlite] [--only pages search plans …]

A database of its own, filled by COPY; on SQLite with a tenth of the rows by default. Prints medians of 5
warm rounds, sizes, plans, and the peak of memory of commands.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.checkouts import ROOT
from benchmarks.history.filling import fill, make_recipes
from benchmarks.lifetime import end_when_asked, run_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = ("sizes", "pages", "search", "plans", "writes", "outcomes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--outcomes", type=int)
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    rows = options.rows or (500_000 if options.sqlite else 5_000_000)
    outcomes = options.outcomes or (30_000 if options.sqlite else 300_000)
    end_when_asked()
    with tempfile.TemporaryDirectory() as folder, run_database(Path(folder), sqlite=options.sqlite) as url:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "mlsite.settings",
            "DATABASE_URL": url,
            "DATABASE_STATEMENT_SECONDS": "0",
            "DEPLOYMENT": "local",
            "SECRET_KEY": secrets.token_hex(32),
            "MODEL_SIGNING_KEY": secrets.token_hex(32),
        }
        models = Path(folder) / "ml_models"
        make_recipes(models)
        for command in (["migrate"], ["collectstatic", "--noinput"]):
            subprocess.run([sys.executable, "manage.py", *command, "--verbosity", "0"], cwd=ROOT, check=True)
        run_command(models, "retrain")
        measure(models, rows, outcomes, options.only)


@contextmanager
def run_database(folder: Path, *, sqlite: bool) -> "Iterator[str]":
    if sqlite:
        yield f"sqlite:///{folder / 'history.sqlite3'}"
    else:
        with run_postgres(folder / "data") as url:
            yield url


def run_command(models: Path, *arguments: str) -> str:
    """Run a command of ours in a process of its own, with these recipes; return the time that it took and its peak."""
    arguments = (str(models), *arguments)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.history.command", *arguments],
        cwd=ROOT,
        check=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    return done.stderr.splitlines()[-1]


def measure(models: Path, rows: int, outcomes: int, parts: "list[str] | tuple[str, ...]") -> None:
    import django

    django.setup()
    from benchmarks.history import measuring

    if "writes" in parts:
        print(f"empty: {measuring.measure_writes()}", flush=True)
    fill(rows, outcomes)
    if "sizes" in parts:
        measuring.print_sizes()
    if "pages" in parts:
        measuring.print_pages()
    if "search" in parts:
        measuring.print_searches()
    if "plans" in parts:
        measuring.print_plans()
    if "writes" in parts:
        print(f"{rows:,} rows: {measuring.measure_writes()}", flush=True)
    if "outcomes" in parts:
        file = models.parent / "outcomes.csv"
        count = measuring.write_outcomes(file, outcomes)
        since = measuring.find_now()
        print(f"record_outcomes, {count:,} rows: {run_command(models, 'record_outcomes', str(file))}", flush=True)
        arguments = ("retrain", "prices", "--with-outcomes", "--since", since, "--force")
        print(f"retrain --with-outcomes, {count:,}: {run_command(models, *arguments)}", flush=True)


if __name__ == "__main__":
    main()
