"""Lets wrk send one request repeatedly, and compares the rows in the database with the answers."""

import json
import re
import secrets
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from benchmarks.checkouts import ROOT
from benchmarks.systems import Question, System

# After the counted seconds, for requests in progress; none takes longer.
SECONDS_TO_END = 4
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


@dataclass(frozen=True, kw_only=True)
class Run:
    """wrk's figures for one question to one system, with so many connections."""

    good: int
    rate: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cut: int
    statuses: dict[str, int]


def drive(
    system: System, question: Question, bodies: list[str], connections: int, seconds: int, work: Path
) -> tuple[Run, list[str]]:
    """Let wrk send a question over so many connections; return its figures and each answer."""
    run = secrets.token_hex(4)  # With which load.lua numbers references.
    (work / "bodies").write_text("\n".join(bodies).replace("NUMBER", f"{run}-NUMBER") + "\n")
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
    """Fail unless the new rows are exactly the given answers, each with the same number."""
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
