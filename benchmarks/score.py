"""Measures how many rows of a CSV file `manage.py score` answers a second, from file to file, and its peak of memory.

    python -m benchmarks.score [--rows 1000000] [--rounds 3]

A PostgreSQL of its own, and the shipped line, compiled. Prints the rows a second with and without history, median of
the rounds, and the most memory that the command's process took.
"""

import argparse
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.checkouts import ROOT
from benchmarks.lifetime import end_when_asked, run_postgres


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    end_when_asked()
    with tempfile.TemporaryDirectory() as name, run_postgres(Path(name) / "data") as database_url:
        folder = Path(name)
        os.environ |= {
            "DATABASE_URL": database_url,
            "DEPLOYMENT": "local",
            "SECRET_KEY": secrets.token_hex(32),
            "MODEL_SIGNING_KEY": secrets.token_hex(32),
        }
        for command in (["migrate", "--verbosity", "0"], ["retrain", "line"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, stdout=sys.stderr, check=True)
        given, made = folder / "given.csv", folder / "made.csv"
        write_table(given, options.rows)
        for history in ("none", "all"):
            command = [sys.executable, "manage.py", "score", "line", str(given), str(made), "--history", history]
            measured = [run(command) for _ in range(options.rounds)]
            check(made, options.rows)
            seconds, busy, peak = map(statistics.median, zip(*measured, strict=True))
            rates = f"{options.rows / seconds:,.0f} rows/s, {options.rows / busy:,.0f} a second of its CPU"
            print(f"history {history}: {rates}, peak {peak:.0f} MB", flush=True)


def write_table(file: Path, rows: int) -> None:
    draw = random.Random(0)  # noqa: S311  # Numbers to be predicted from.
    with file.open("w") as table:
        table.write("customer,x\n")
        table.writelines(f"c{number},{draw.uniform(0.5, 9.5):.4f}\n" for number in range(rows))


def run(command: list[str]) -> tuple[float, float, float]:
    """The seconds that a command takes from its start to its end, those of its CPU, and its peak of memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(said)
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def check(made: Path, rows: int) -> None:
    """Stop where a row is not answered."""
    with made.open() as table:
        next(table)
        # Not kept: a process begins with the peak of memory of the one that starts it.
        answered = sum(bool(line.split(",")[2]) for line in table)
    if answered != rows:
        sys.exit(f"{rows} rows were given, and {answered} answered")


if __name__ == "__main__":
    main()
