"""The measurements of benchmarks.history, on the filled database of these settings."""

import csv
import itertools
import json
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from benchmarks.history.filling import make_template
from predictor.history.filters import read_filters
from predictor.history.order import list_ids
from predictor.history.search import count, find
from predictor.models import Outcome, Prediction, Promotion, Version
from predictor.models.prediction import make_prediction_id
from predictor.serving.history import FIELDS, insert_rows

ROUNDS = 5
BATCH, SECONDS_OF_WRITING = 32, 10
EXACT = {
    "model": "model=prices",
    "rare model": "model=line",
    "oldest version": "model=prices&version=1",
    "newest version": "model=prices&version=8",
    "source": "source=form",
    "warned": "warned=yes",
    "not warned": "warned=no",
    "outcome": "outcome=yes",
    "no outcome": "outcome=no",
    "a month": "since=2026-03-01&until=2026-03-31",
}
OTHERS = {
    "right": "right=yes",
    "wrong": "right=no",
    "error above": "error_above=12000",
    "error above any": "error_above=1e9",
    "outside the interval": "inside=no",
    "output range": "output_from=290000",
    "output range of none": "output_from=1e9",
    "a feature's value": "model=prices&is.quarter=quarter 3",
    "a feature's range": "model=prices&from.area=239",
    "a feature's range of none": "model=prices&from.area=1000",
    "a feature's words": "model=prices&words.quarter=QUARTER 7",
    "any value": "q=4711",
}


def measure_median(call: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, the median of 5 warm rounds, and what was returned."""
    call()
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        result = call()
        taken.append(time.perf_counter() - started)
    return 1_000 * statistics.median(taken), result


def list_queries() -> dict[str, str]:
    """Each exact filter, each pair of those that do not contradict each other, and the other filters."""
    pairs = {}
    for (first, query), (second, other) in itertools.combinations(EXACT.items(), 2):
        if not {each.split("=")[0] for each in query.split("&")} & {each.split("=")[0] for each in other.split("&")}:
            pairs[f"{first} + {second}"] = f"{query}&{other}"
    return {"nothing": "", **EXACT, **pairs, **OTHERS}


def read_query(query: str) -> dict[str, str]:
    return dict(each.split("=", 1) for each in query.split("&") if each)


def print_searches() -> None:
    """The first page of 100, and the count of exact filters."""
    for name, query in list_queries().items():
        filters = read_filters(read_query(query))
        found, page = measure_median(lambda filters=filters: find(filters))
        counted, number = measure_median(lambda filters=filters: count(filters))
        looked = "" if page.complete else f", looked back to {page.looked_back_to:%Y-%m-%d}"
        least = f", count {counted:.0f} ms ({'at least ' * number.is_least}{number.number:,})" if number else ""
        print(f"  {name}: {found:.0f} ms, {len(page.rows)} rows{looked}{least}", flush=True)


def print_plans() -> None:
    """How the database carries out the slowest query of each search."""
    for name, query in list_queries().items():
        filters = read_filters(read_query(query))
        find(filters)
        with connection.execute_wrapper(asked := Asked()):
            find(filters)
        explain = "EXPLAIN (ANALYZE, BUFFERS)" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        with connection.cursor() as cursor:
            cursor.execute(f"{explain} {asked.sql}", asked.parameters)
            plan = "\n".join(f"    {row[-1]}" for row in cursor.fetchall())
        print(f"  {name}: {1_000 * asked.seconds:.0f} ms of it\n{plan}", flush=True)


class Asked:
    """Keeps the slowest of the queries that it is wrapped around."""

    seconds, sql, parameters = 0.0, "", None

    def __call__(self, execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        result = execute(sql, parameters, many, context)
        if (taken := time.perf_counter() - started) > self.seconds:
            self.seconds, self.sql, self.parameters = taken, sql, parameters
        return result


def print_pages() -> None:
    """Every page of the admin that a reviewer uses."""
    User.objects.create_superuser("benchmark", password="benchmark")  # noqa: S106  # It opens nothing.
    client = Client(SERVER_NAME="localhost")
    client.login(username="benchmark", password="benchmark")  # noqa: S106  # The same.
    for name, address in list_addresses().items():
        taken, response = measure_median(lambda address=address: client.get(address, follow=True))
        print(f"  {name}: {taken:.0f} ms ({response.status_code}, {len(response.content):,} bytes)", flush=True)


def list_addresses() -> dict[str, str]:
    def name(table: str, page: str = "changelist", *arguments: Any) -> str:
        return reverse(f"admin:predictor_{table}_{page}", args=arguments)

    predictions, outcomes = name("prediction"), name("outcome")
    ids = list(islice(list_ids(Version.objects.values_list("id", flat=True)), 200))
    middle = Prediction.objects.filter(id__gte="019b8000-0000-7000-8000-000000000000").order_by("id")[0].pk
    judged = Outcome.objects.order_by("id")[0]
    filtered = {f"list: {label}": f"{predictions}?{query}" for label, query in list_queries().items()}
    return {
        "first page of the admin": reverse("admin:index"),
        "last page": f"{predictions}?before={ids[101]}",
        "a middle page": f"{predictions}?before={middle}",
        "a prediction": name("prediction", "change", middle),
        "a prediction with an outcome": name("prediction", "change", judged.prediction_id),
        "outcomes": outcomes,
        "outcomes, last page": f"{outcomes}?before=101",
        "an outcome": name("outcome", "change", judged.pk),
        "versions": name("version"),
        "a version": name("version", "change", Version.objects.order_by("id")[0].pk),
        "promotions": name("promotion"),
        "a promotion": name("promotion", "change", Promotion.objects.order_by("id")[0].pk),
        "visitor reports": name("visitorreport"),
        "retirements": name("retirement"),
        **filtered,
    }


def measure_writes() -> str:
    """Rows a second in batches of 32, each committed, as a worker writes them; and the write-ahead log for a row."""
    version, pick = Version.objects.get(model="prices", number=1), random.Random(3)  # noqa: S311
    inputs, output, _, interval = make_template("prices", pick)
    shared = {"inputs": json.loads(inputs), "output": json.loads(output), "interval": json.loads(str(interval))}
    rest = {"version_id": version.pk, "source": "api", "duration_ms": 0.1}
    before, started, ids = _read_log(), time.perf_counter(), []
    while time.perf_counter() - started < SECONDS_OF_WRITING:
        rows = []
        for _ in range(BATCH):
            warnings = ["area: 240 is outside"] if pick.random() < 0.1 else []
            made = {"id": make_prediction_id(), "warnings": warnings, "created_at": datetime.now(UTC), **shared, **rest}
            rows.append({field: made.get(field) for field in FIELDS})
            ids.append(made["id"])
        insert_rows(rows)
    taken = time.perf_counter() - started
    log = f", {(_read_log() - before) / len(ids):.0f} bytes of write-ahead log a row" if before else ""
    _remove(ids)
    return f"{len(ids) / taken:,.0f} rows/s{log}"


def _remove(ids: list[Any]) -> None:
    """Without traces in indexes, where these were all: rows that are filled in later have lesser ids."""
    if connection.vendor == "postgresql" and Prediction.objects.count() == len(ids):
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE predictor_prediction CASCADE")
        return
    for start in range(0, len(ids), 5_000):
        Prediction.objects.filter(id__in=ids[start : start + 5_000]).delete()


def _read_log() -> int:
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


def print_sizes() -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_size_pretty(pg_relation_size(oid)) FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relname ~ 'prediction|outcome'"
            " AND pg_relation_size(oid) > 100000 ORDER BY relname"
        )
        for name, size in cursor.fetchall():
            print(f"  {name}: {size}")


def write_outcomes(file: Path, most: int) -> int:
    """A file with outcomes of predictions of one model that have none; return how many."""
    versions = Version.objects.filter(model="prices").values_list("id", flat=True)
    number = 0
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["id", "outcome"])
        ids = list_ids(versions, newest_first=True)
        while number < most and (taken := list(islice(ids, 1_000))):
            known = set(Outcome.objects.filter(prediction__in=taken).values_list("prediction_id", flat=True))
            rows = dict(Prediction.objects.filter(id__in=taken).values_list("id", "output"))
            left = [(id, rows[id] + 1) for id in taken if id not in known][: most - number]
            writer.writerows(left)
            number += len(left)
    return number


def find_now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
