"""Measures how many rows of a CSV file `manage.py score` answers a second, from file to file, next to MLflow.

    python -m benchmarks.score [--rows 1000000] [--rounds 3]

The model is the shipped line, compiled, in a PostgreSQL of its own. `mlflow models predict --env-manager local` gets
the same pickle and the same file, in an environment of its own, made once below benchmarks/.peers. It writes
predictions alone; ours writes the file's columns, the interval, warnings and errors too. In each round all take their
turn. Prints the median of the rounds for each, the most memory that its process took, and how many times as fast as
MLflow we were in each round. Ends with status 1 where an answer is missing or differs by more than rounding.
"""

import argparse
import csv
import json
import os
import random
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.against_mlflow import ROUNDING, save_theirs, write_schemas
from benchmarks.checkouts import OURS, ROOT
from benchmarks.lifetime import end_when_asked, run_postgres
from benchmarks.preparation import prepare_site

MODEL = "line"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The seconds that a command took from its start to its end, those of its CPU, and its peak of memory in MB."""

    seconds: float
    cpu: float
    peak: float


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """A command that scores a file."""

    title: str
    command: list[str]
    environment: Mapping[str, str]
    runs: list[Measured] = field(default_factory=list)

    def run(self) -> None:
        began = time.perf_counter()
        process = subprocess.Popen(
            self.command, cwd=ROOT, env=os.environ | self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(said)
        seconds = time.perf_counter() - began
        cpu = usage.ru_utime + usage.ru_stime
        self.runs.append(Measured(seconds=seconds, cpu=cpu, peak=usage.ru_maxrss / 1024))

    def describe(self, rows: int) -> str:
        seconds, cpu, peak = (statistics.median(getattr(run, name) for run in self.runs) for name in Measured.__slots__)
        return f"| {self.title} | {rows / seconds:,.0f} | {rows / cpu:,.0f} | {peak:.0f} MB |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    end_when_asked()
    # Both run from compiled bytecode, as where they are installed.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as name, run_postgres(Path(name) / "data") as database_url:
        folder = Path(name)
        write_table(folder / "given.csv", options.rows)
        scorers = prepare(folder, database_url)
        for _ in range(options.rounds):
            for scorer in scorers:
                scorer.run()
        compare_answers(folder, options.rows)
        print("| | rows/s by the clock | rows in a second of the command's CPU | peak of memory |\n|---|--:|--:|--:|")
        print("\n".join(scorer.describe(options.rows) for scorer in scorers))
        *ours, theirs = scorers
        for scorer in ours:
            pairs = zip(scorer.runs, theirs.runs, strict=True)
            ratios = ", ".join(f"{their.seconds / our.seconds:.1f}" for our, their in pairs)
            print(f"{scorer.title}: {ratios} times as fast as {theirs.title}")


def prepare(folder: Path, database_url: str) -> list[Scorer]:
    """Train the model and save it for MLflow; ours without and with history, and MLflow last."""
    keys = {name: secrets.token_hex(32) for name in ("SECRET_KEY", "MODEL_SIGNING_KEY")}
    environment = {"DATABASE_URL": database_url, "DEPLOYMENT": "local", **keys}
    ignored = shutil.ignore_patterns("*.pkl", "__pycache__")
    shutil.copytree(ROOT / "ml_models" / MODEL, folder / "recipes" / MODEL, ignore=ignored)
    prepare_site(OURS, environment, folder / "recipes")
    write_schemas(folder, environment)
    mlflow, quiet = save_theirs(MODEL, folder)
    given = str(folder / "given.csv")
    score = [sys.executable, "manage.py", "score", MODEL, given, str(folder / "made.csv"), "--history"]
    predict = [str(mlflow), "models", "predict", "--model-uri", str(folder / f"{MODEL}.mlflow")]
    predict += ["--content-type", "csv", "--input-path", given, "--output-path", str(folder / "made.json")]
    return [
        Scorer(title="without history", command=[*score, "none"], environment=environment),
        Scorer(title="with history", command=[*score, "all"], environment=environment),
        Scorer(title="mlflow models predict", command=[*predict, "--env-manager", "local"], environment=quiet),
    ]


def write_table(file: Path, rows: int) -> None:
    draw = random.Random(0)  # noqa: S311  # Numbers to be predicted from.
    with file.open("w") as table:
        table.write("customer,x\n")
        table.writelines(f"c{number},{draw.uniform(0.5, 9.5):.4f}\n" for number in range(rows))


def compare_answers(folder: Path, rows: int) -> None:
    """Stop where an answer is missing or not MLflow's; after all runs, since a child begins with our peak."""
    theirs = json.loads((folder / "made.json").read_text())["predictions"]
    with (folder / "made.csv").open(newline="") as table:
        ours = [float(row["prediction"] or "nan") for row in csv.DictReader(table)]
    if len(ours) != rows or len(theirs) != rows:
        sys.exit(f"{rows} rows were given, {len(ours)} came back, and {len(theirs)} from MLflow")
    if not all(abs(our - their) <= ROUNDING for our, their in zip(ours, theirs, strict=True)):
        sys.exit("an answer is missing, or differs from MLflow's")


if __name__ == "__main__":
    main()
