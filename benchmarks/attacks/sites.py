"""Sites of our own to attack: on PostgreSQL and on SQLite, with the shipped models, a wide one, and many rows."""

import os
import random
import secrets
import shutil
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from benchmarks.attacks.target import Target
from benchmarks.attacks.visitors import post_json
from benchmarks.checkouts import OURS, ROOT
from benchmarks.preparation import prepare_site
from benchmarks.systems import KEYS, System, make_site
from tests.visitor import find_free_port

WIDE_COLUMNS = 1500
WIDE = """
title = "A wide table"
target = "y"
data = "data.csv"
holdout = 0
[estimator]
class = "sklearn.linear_model.Ridge"
"""
USERNAME = "reviewer"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site that was started here; `log` is the output of the newest server."""

    database: str
    system: System
    target: Target
    log: Path

    def restart(self) -> None:
        """Restart with new workers; the rows stay."""
        self.system.stop()
        self.system.start(self.log)

    @property
    def has_lost_workers(self) -> bool:
        return "WORKER TIMEOUT" in self.log.read_text(errors="replace")


def make_own_site(database: str, database_url: str, folder: Path, rows: int, stack: ExitStack) -> Site:
    """Prepare a site, start it, and put rows into its history."""
    folder.mkdir()
    password = secrets.token_hex(16)
    environment = {**KEYS, "DATABASE_URL": database_url, "DEPLOYMENT": "local", "DEFAULT_MODEL": "line"}
    write_recipes(folder / "recipes")
    prepare_site(OURS, environment, folder / "recipes")
    user = {"DJANGO_SUPERUSER_USERNAME": USERNAME, "DJANGO_SUPERUSER_PASSWORD": password}
    create = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--email", "reviewer@example.org"]
    subprocess.run(create, cwd=ROOT, env=os.environ | environment | user, stdout=sys.stderr, check=True)
    system = make_site(OURS, environment, find_free_port(), [])
    stack.callback(system.stop)
    target = Target(
        host="127.0.0.1",
        port=system.port,
        username=USERNAME,
        password=password,
        environment=environment,
        folder=folder,
    )
    site = Site(database=database, system=system, target=target, log=folder / "server.log")
    site.restart()
    post_json(target)
    fill = fill_postgres if database == "PostgreSQL" else fill_sqlite
    fill(database_url, rows)
    return site


def write_recipes(folder: Path) -> None:
    """The shipped recipes, and one of 1,500 whole numbers whose target depends on two of them."""
    shutil.copytree(ROOT / "ml_models", folder, ignore=shutil.ignore_patterns("*.pkl", "__pycache__"))
    draw = random.Random(0)  # noqa: S311  # Not for secrets.
    lines = [",".join([*(f"x{number}" for number in range(WIDE_COLUMNS)), "y"])]
    for _ in range(300):
        values = [draw.randint(0, 9) for _ in range(WIDE_COLUMNS)]
        lines.append(",".join(map(str, [*values, values[0] + 2 * values[1]])))
    (folder / "wide").mkdir()
    (folder / "wide/data.csv").write_text("\n".join(lines) + "\n")
    (folder / "wide/model.toml").write_text(WIDE)


# Copies of one kept answer, with ids and moments of their own, whatever other columns there are.
OWN = ("id", "created_at", "source")


def fill_postgres(database_url: str, rows: int) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'predictor_prediction'")
        others = ", ".join(sorted(f'"{name}"' for (name,) in cursor.fetchall() if name not in OWN))
        cursor.execute(
            f"INSERT INTO predictor_prediction (id, created_at, source, {others})"  # noqa: S608  # Our own columns.
            f" SELECT uuidv7(age), now() + age, 'csv', {others} FROM"
            f" (SELECT {others} FROM predictor_prediction LIMIT 1) AS kept,"
            " (SELECT make_interval(mins => -number) AS age FROM generate_series(1, %s) AS number) AS ages",
            [rows],
        )
        cursor.execute("ANALYZE predictor_prediction")


def fill_sqlite(database_url: str, rows: int) -> None:
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=30)) as connection, connection:
        columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(predictor_prediction)")]
        others = ", ".join(f'"{name}"' for name in columns if name not in OWN)
        numbers = "WITH RECURSIVE ages(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM ages WHERE number < ?)"
        new = f"lower(hex(randomblob(16))), datetime('now', -number || ' minutes'), 'csv', {others}"
        one = f"(SELECT {others} FROM predictor_prediction LIMIT 1)"  # noqa: S608  # Our own columns.
        connection.execute(
            f"{numbers} INSERT INTO predictor_prediction (id, created_at, source, {others})"  # noqa: S608  # The same.
            f" SELECT {new} FROM {one}, ages",
            [rows],
        )
